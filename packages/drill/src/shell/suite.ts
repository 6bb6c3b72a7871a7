import { Command, InvalidArgumentError, Option } from 'commander'

/**
 * The command line of a suite that is started by an npm script. `--help` prints it; what it does not understand ends the process
 * with exit code 2 and a word of why, before anything is started.
 */
export function suite(script: string, about: string): Command {
  return new Command(`npm run ${script} --`)
    .description(about)
    .allowExcessArguments(false)
    .showHelpAfterError(`("npm run ${script} -- --help" says what there is)`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}

/** Of an option: a number from 0, not necessarily whole. */
export function amount(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw new InvalidArgumentError(`Expected a number from 0, got "${text}".`)
}

/** `--only`: names out of `known`, separated by commas; without it, all. */
export function onlyOption(known: readonly string[]): Option {
  return new Option('--only <name,...>', `these only: ${known.join(', ')}`)
    .default(known, 'all')
    .argParser(text => {
      const names = text.split(',')
      const unknown = names.filter(name => !known.includes(name))
      if (unknown.length === 0) return names
      throw new InvalidArgumentError(`There is no ${unknown.join(', ')}; there are ${known.join(', ')}.`)
    })
}

/** A seed when none is given: another one every time, and short enough to be typed. */
export function anySeed(): number {
  return Date.now() % 1_000_000
}
