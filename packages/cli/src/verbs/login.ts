import { apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerLogin: Register = (program, cli) => {
  program
    .command('login')
    .description(
      'log in with a code that you enter in a browser, on any machine; verbs then act in your name',
    )
    .option('--issuer <url>', 'the identity provider (UNWIND_LOGIN_ISSUER)')
    .option('--client-id <id>', 'how it knows this program (UNWIND_LOGIN_CLIENT_ID)')
    .option('--scope <words>', 'what is asked for (UNWIND_LOGIN_SCOPE; default: openid offline_access)')
    .option('--audience <name>', 'for whom the token is, where the provider asks (UNWIND_LOGIN_AUDIENCE)')
    .addOption(apiOption())
    .addHelpText(
      'after',
      examples(['login --issuer https://idp.example.com/realms/ops --client-id unwind-cli', '']),
    )
    .action(async (options, command) => {
      const { login } = await import('./run/login.js')
      await login(cli, command, options)
    })
}

export const registerLogout: Register = (program, cli) => {
  program
    .command('logout')
    .description('forget the log-in for this coordinator, and have the identity provider end it')
    .addOption(apiOption())
    .addHelpText('after', examples(['logout', '']))
    .action(async (_options, command) => {
      const { logout } = await import('./run/logout.js')
      await logout(cli, command)
    })
}

export const registerWhoami: Register = (program, cli) => {
  program
    .command('whoami')
    .description('who you are to the coordinator, and what you may')
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText('after', examples(['whoami', ''], ['whoami -o json', 'for scripts']))
    .action(async (options, command) => {
      const { whoami } = await import('./run/whoami.js')
      await whoami(cli, command, options)
    })
}
