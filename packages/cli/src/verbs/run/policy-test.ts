import { dirname, resolve } from 'node:path'
import { readPolicy } from '@unwind/coordinator/api'
import { loadConfig } from '@unwind/runtime'
import { casesSchema } from '../../policy/cases.js'
import { judgeCase } from '../../policy/judge-case.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { absolute } from '../../shell/settings.js'

/** @throws ConfigError naming file, line and key of whatever is wrong with cases or policy. */
export async function testPolicies(
  cli: Cli,
  files: readonly string[],
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const results = files.flatMap(name => {
    const file = absolute(cli.io.cwd, name)
    const { policy, cases } = loadConfig(casesSchema, { file, env: {} })
    const rules = readPolicy(resolve(dirname(file), policy))
    return cases.map(one => ({ file: name, name: one.name, problems: judgeCase(rules, one) }))
  })
  if (results.some(({ problems }) => problems.length > 0)) cli.exit = 'usage'
  if (output === 'json') return cli.printJson(results)
  for (const { file, name, problems } of results) {
    if (problems.length === 0) cli.print(`${cli.palette.tone('good', 'ok')}    ${file}: ${name}\n`)
    for (const problem of problems)
      cli.print(`${cli.palette.tone('bad', 'fails')} ${file}: ${name}: ${problem}\n`)
  }
}
