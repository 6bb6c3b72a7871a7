import type { Command } from 'commander'
import { table } from '../../output/table.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { registryOf } from '../../shell/connections.js'
import { settingsOf } from '../../shell/settings.js'

interface Options {
  readonly output: OutputFormat
}

/** A refusal is thrown by the registry's side, which names file, field and why; then nothing was registered. */
export async function applySchemas(cli: Cli, command: Command, { output }: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const registry = await registryOf(settings)
  const { applySchemas: apply } = await import('@unwind/runtime')
  const applied = await apply(registry, settings.topics)
  if (output === 'json') return cli.printJson(applied)
  cli.print(
    table(
      ['id', 'schema', 'subject', 'state'],
      applied.map(({ id, file, subject, added }) => [
        String(id),
        file,
        subject,
        added ? cli.palette.tone('good', 'registered') : cli.palette.tone('dim', 'there already'),
      ]),
      cli.palette,
    ),
  )
}

export async function checkSchemas(cli: Cli, command: Command, { output }: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const registry = await registryOf(settings)
  const { checkSchemas: check } = await import('@unwind/runtime')
  const { ok, schemas, problems } = await check(registry, settings.topics)
  if (!ok) cli.exit = 'failure'
  if (output === 'json') return cli.printJson({ ok, schemas })
  const tones = { registered: 'dim', new: 'good', refused: 'bad' } as const
  cli.print(
    table(
      ['schema', 'subject', 'state'],
      schemas.map(({ file, subject, state }) => [file, subject, cli.palette.tone(tones[state], state)]),
      cli.palette,
    ),
  )
  for (const problem of problems) cli.say(`${cli.talk.tone('bad', 'refused:')} ${problem}`)
}
