import { writeSync } from 'node:fs'

/** Thrown by a failpoint that is set to `throw`. */
export class FailpointHit extends Error {
  override readonly name = 'FailpointHit'
  constructor(readonly failpoint: string) {
    super(`Failpoint "${failpoint}" was hit (UNWIND_FAILPOINTS).`)
  }
}

/** Awaited at every place where a crash matters. Resolves at once unless a test injected something for this name. */
export type Failpoint<Name extends string = string> = (name: Name) => Promise<void>

export const FAILPOINTS_VARIABLE = 'UNWIND_FAILPOINTS'

type Effect =
  | { readonly kind: 'kill' }
  | { readonly kind: 'throw' }
  | { readonly kind: 'pause'; readonly ms: number }

interface Injection {
  readonly effect: Effect
  /** Only at this hit, counted from 1; null: at every hit. */
  readonly at: number | null
  hits: number
}

/**
 * Reads `UNWIND_FAILPOINTS="name=kill|throw|pause:<ms>[@<n>],…"` once.
 * @param names all failpoints of the process: the closed list, put together from what its packages name.
 * @throws Error that names what is wrong in the variable and lists the names.
 */
export function createFailpoints<Name extends string>(
  names: readonly Name[],
  env: Readonly<Record<string, string | undefined>>,
  kill: (name: string) => void = killSelf,
): Failpoint<Name> {
  const known = new Set<string>(names)
  const injections = parse(env[FAILPOINTS_VARIABLE] ?? '', known)
  const nothing = Promise.resolve()
  return name => {
    if (!known.has(name)) return Promise.reject(new Error(`"${name}" is not among the process's failpoints.`))
    const injection = injections.get(name)
    if (injection === undefined) return nothing
    injection.hits++
    if (injection.at !== null && injection.at !== injection.hits) return nothing
    return act(name, injection.effect, kill)
  }
}

/** The last word goes out before the end, unbuffered: whoever set several failpoints must know which one it was. */
function killSelf(name: string): void {
  writeSync(2, `failpoint ${name} kills this process\n`)
  process.kill(process.pid, 'SIGKILL')
}

function act(name: string, effect: Effect, kill: (name: string) => void): Promise<void> {
  switch (effect.kind) {
    case 'kill':
      kill(name)
      // Nothing after this point may run, also in the moments until the signal arrives.
      return new Promise(() => undefined)
    case 'throw':
      return Promise.reject(new FailpointHit(name))
    case 'pause':
      return new Promise(resolve => setTimeout(resolve, effect.ms))
    default:
      return effect satisfies never
  }
}

function parse(text: string, known: ReadonlySet<string>): Map<string, Injection> {
  const injections = new Map<string, Injection>()
  for (const part of text.split(/[,;]/).map(one => one.trim())) {
    if (part === '') continue
    const match = /^([^=]+)=(kill|throw|pause:(\d+))(?:@([1-9]\d*))?$/.exec(part)
    if (match === null)
      throw new Error(`${FAILPOINTS_VARIABLE}: "${part}" is not name=kill|throw|pause:<ms>[@<n>].`)
    const [, name, effect, ms, at] = match
    if (!known.has(name!)) {
      const list = [...known].sort().join(', ')
      throw new Error(
        `${FAILPOINTS_VARIABLE}: there is no failpoint "${name}" in this process. There are: ${list}.`,
      )
    }
    injections.set(name!, {
      effect: effectOf(effect!, ms),
      at: at === undefined ? null : Number(at),
      hits: 0,
    })
  }
  return injections
}

function effectOf(text: string, ms: string | undefined): Effect {
  if (ms !== undefined) return { kind: 'pause', ms: Number(ms) }
  return text === 'kill' ? { kind: 'kill' } : { kind: 'throw' }
}

/** Passes one failpoint before a piece of work and one after it. */
export async function between<T>(
  failpoint: Failpoint,
  before: string,
  after: string,
  work: () => Promise<T>,
): Promise<T> {
  await failpoint(before)
  const result = await work()
  await failpoint(after)
  return result
}
