import type { Command } from 'commander'

/** What can follow a line of words: sub-verbs and options, by the words so far ("topics apply"). */
export interface Words {
  /** "" for the program itself. */
  readonly path: string
  readonly description: string
  readonly verbs: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly {
    readonly long: string
    readonly short: string | null
    readonly takesValue: boolean
    readonly choices: readonly string[]
    readonly description: string
  }[]
}

/** All verbs of the program, its own words first. */
export function wordsOf(command: Command, path: readonly string[] = []): readonly Words[] {
  const verbs = command.commands.map(sub => ({ name: sub.name(), description: sub.description() }))
  const help = { long: '--help', short: '-h', takesValue: false, choices: [], description: 'help' }
  const chain: Command[] = []
  for (let at: Command | null = command; at; at = at.parent) chain.push(at)
  const options = chain
    .flatMap(one => one.options)
    .filter(option => option.long && !option.hidden)
    .map(option => ({
      long: option.long!,
      short: option.short ?? null,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      description: option.description,
    }))
  return [
    { path: path.join(' '), description: command.description(), verbs, options: [...options, help] },
    ...command.commands.flatMap(sub => wordsOf(sub, [...path, sub.name()])),
  ]
}
