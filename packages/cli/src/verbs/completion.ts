import { Argument } from 'commander'
import { examples, type Register } from './verb.js'

export const registerCompletion: Register = (program, cli) => {
  program
    .command('completion')
    .description('a script that completes verbs and options in your shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      examples(
        ['completion bash > ~/.local/share/bash-completion/completions/unwind', 'bash'],
        ['completion zsh > ~/.zfunc/_unwind', 'zsh, with ~/.zfunc in fpath'],
        ['completion fish > ~/.config/fish/completions/unwind.fish', 'fish'],
      ),
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion/script.js')
      cli.print(completionScript(program, shell))
    })
}
