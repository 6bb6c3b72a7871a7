import type { CommandName } from '@unwind/client/api'
import { type Command, Option } from 'commander'
import { apiOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

interface Shape {
  readonly verb: CommandName
  readonly description: string
  /** Whether it is about one step, the whole rollback, or either. */
  readonly step: 'needed' | 'none'
  readonly example: readonly [words: string, purpose: string]
  readonly more?: (command: Command) => void
}

/** A person steps in: the command goes into the ledger under their name, and the sidecars obey it from there. */
function operatorVerb({ verb, description, step, example, more }: Shape): Register {
  return (program, cli) => {
    const command = program
      .command(verb)
      .description(description)
      .argument('<rollback>', 'rollback ID, or a correlation ID (then its latest rollback)')
    if (step === 'needed')
      command.requiredOption('--step <id>', 'step of the plan; mostly the name of a system')
    command
      .requiredOption('--reason <text>', 'why, for people; goes into the ledger')
      .option('--as <principal>', 'who commands (UNWIND_ACTOR; default: user:<login>)')
      .addOption(apiOption())
    more?.(command)
    command.addHelpText('after', examples(example)).action(async (id, options, self) => {
      const { operate } = await import('./run/operator.js')
      await operate(cli, self, verb, id, options)
    })
  }
}

export const registerPause = operatorVerb({
  verb: 'pause',
  description: 'start no further step; what has begun is let finish',
  step: 'none',
  example: ['pause rb-01jd… --reason "database maintenance"', ''],
})

export const registerResume = operatorVerb({
  verb: 'resume',
  description: 'go on after a pause',
  step: 'none',
  example: ['resume rb-01jd… --reason "maintenance is over"', ''],
})

export const registerRetry = operatorVerb({
  verb: 'retry',
  description: 'try a parked step again, with the same idempotency key',
  step: 'needed',
  example: ['retry order-1017 --step payments --reason "the provider is back"', ''],
})

export const registerSkip = operatorVerb({
  verb: 'skip',
  description: 'leave a step undone; the rollback can then not end green',
  step: 'needed',
  example: ['skip order-1017 --step loyalty --reason "points were spent"', ''],
})

export const registerResolve = operatorVerb({
  verb: 'resolve',
  description: 'decide a conflict: keep or overwrite newer data, merge, or say that it was done by hand',
  step: 'needed',
  example: [
    'resolve order-1017 --step stock --take keep --reason "recounted by hand"',
    'keeps the newer data',
  ],
  more: command => {
    command
      .addOption(
        new Option(
          '--take <how>',
          'keep: leave newer data · force: overwrite it · merge: restore only what is still ours · manual: done by hand',
        )
          .choices(['keep', 'force', 'merge', 'manual'])
          .makeOptionMandatory(),
      )
      .option('--evidence <text>', 'link or text that backs it')
  },
})

export const registerAbort = operatorVerb({
  verb: 'abort',
  description: 'end the rollback where it is; what has begun is let finish, and it ends ABANDONED',
  step: 'none',
  example: ['abort rb-01jd… --reason "wrong order"', ''],
})
