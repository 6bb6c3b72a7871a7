import { readdirSync, readFileSync } from 'node:fs'

/** Contracts to begin with, one a pattern; `docs/patterns` explains each. They stand beside the program, not in it. */
const FOLDER = new URL('../../patterns/', import.meta.url)

/** Names of the patterns, sorted. */
export function patternNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter(file => file.endsWith('.yaml'))
    .map(file => file.slice(0, -'.yaml'.length))
    .sort()
}

/** The contract of a pattern, as text with its comments. @throws when there is none of this name. */
export function patternContract(name: string): string {
  return readFileSync(new URL(`${name}.yaml`, FOLDER), 'utf8')
}

/** The first comment of a pattern, in one line: what it is for. */
export function patternPurpose(name: string): string {
  const lines = patternContract(name).split('\n')
  const comment = lines.slice(
    0,
    lines.findIndex(line => !line.startsWith('#')),
  )
  const text = comment.map(line => line.replace(/^#\s*/, '')).join(' ')
  return text.replace(/^Pattern "[^"]+": /, '').replace(/(?<=[.]) .*$/, '')
}

/** The same contract for another system: only its name changes. */
export function forSystem(contract: string, system: string): string {
  return contract.replace(/^system: .*$/m, `system: ${system}`)
}
