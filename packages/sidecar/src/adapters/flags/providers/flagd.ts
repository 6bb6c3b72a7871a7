import { mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hashText, type Json } from '@unwind/contracts'
import { sameJson } from '../../http/pointer.js'
import { type FlagFailure, failed } from '../failure.js'
import type { FlagsAdapterOptions } from '../options.js'
import type { FlagProvider, FlagReading, FlagWrite, Mark, WriteOutcome } from '../provider.js'
import type { FlagState } from '../state.js'
import { noSuchFlag } from './admin-api.js'
import { flagdStages } from './flagd-stages.js'
import { CannotSplice, readDefinitions, splice } from './splice.js'

type Options = Extract<FlagsAdapterOptions, { provider: 'flagd' }>

/**
 * Flag definitions in a file that flagd watches. A change touches the flag's own fields and no other byte, and replaces the
 * file as a whole (written beside it, synced, renamed), so that flagd never reads half of it. The content is compared right
 * before the rename: whoever wrote meanwhile wins, and the change is based on theirs.
 */
export class FlagdFile implements FlagProvider {
  readonly kind = 'flagd'
  readonly isAtomic = true
  readonly fields = ['state', 'variants', 'defaultVariant', 'targeting', 'metadata']
  readonly stages = flagdStages
  readonly archive: string
  /** Writes of this process, one after another: two flags of one file must not overwrite each other. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly options: Options,
    private readonly now: () => number,
  ) {
    this.archive = options.archive ?? join(dirname(options.file), '.unwind')
  }

  async check(): Promise<string | null> {
    try {
      readDefinitions(await readFile(this.options.file, 'utf8'))
      await mkdir(this.archive, { recursive: true, mode: 0o700 })
      return null
    } catch (error) {
      return `adapter.file: ${this.options.file}: ${reasonOf(error)}`
    }
  }

  async read(flag: string): Promise<FlagReading | FlagFailure> {
    try {
      const text = await readFile(this.options.file, 'utf8')
      const found = flagIn(readDefinitions(text).content, flag)
      if (!found) return noSuchFlag(flag, this.options.file)
      const state = Object.fromEntries(this.fields.map(field => [field, found[field] ?? null]))
      return { kind: 'flag', state, version: state }
    } catch (error) {
      return this.#failure(error, 'nothing was written')
    }
  }

  async write(write: FlagWrite): Promise<WriteOutcome> {
    const turn = this.#queue.then(() => this.#write(write))
    this.#queue = turn
    return turn
  }

  async #write(write: FlagWrite): Promise<WriteOutcome> {
    const { flag, change, reading } = write
    try {
      const path = await realpath(this.options.file)
      const text = await readFile(path, 'utf8')
      const definitions = readDefinitions(text)
      const current = flagIn(definitions.content, flag)
      if (!current) return noSuchFlag(flag, this.options.file)
      const state = Object.fromEntries(this.fields.map(field => [field, current[field] ?? null]))
      if (!sameJson(state, reading.version)) return { kind: 'changed' }
      const changed = Object.entries(change).filter(
        ([field, value]) => !sameJson(state[field] ?? null, value),
      )
      const next = splice(definitions, ['flags', flag], Object.fromEntries(changed))
      assertOnly(definitions.content, next, flag, Object.fromEntries(changed))
      await this.#keep(write)
      return (await replaceFile(path, text, next)) ? { kind: 'written' } : { kind: 'changed' }
    } catch (error) {
      return this.#failure(error, 'the file is as it was')
    }
  }

  /** The state that was found, for people and as the step's mark; once, before the first write. */
  async #keep({ flag, mark, reading, note }: FlagWrite): Promise<void> {
    await mkdir(this.archive, { recursive: true, mode: 0o700 })
    const kept = {
      flag,
      key: mark.key,
      rollbackId: mark.rollbackId,
      at: this.now(),
      state: reading.state,
      note,
    }
    try {
      const file = await open(this.#markFile(flag, mark), 'wx', 0o600)
      try {
        await file.writeFile(`${JSON.stringify(kept, null, 2)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await syncFolder(this.archive)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }

  async marked(flag: string, mark: Mark): Promise<boolean | FlagFailure> {
    try {
      await stat(this.#markFile(flag, mark))
      return true
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? false
        : this.#failure(error, 'nothing was written')
    }
  }

  canonical(field: string, value: Json): Json {
    const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
    return field === 'targeting' && isEmpty ? null : value
  }

  isBetween(): boolean {
    return false
  }

  async close(): Promise<void> {
    await this.#queue
  }

  #markFile(flag: string, { rollbackId, key }: Mark): string {
    const safe = `${rollbackId}-${flag}`.replaceAll(/[^\w.-]/g, '_').slice(0, 120)
    return join(this.archive, `${safe}-${hashText(`${key}\n${flag}`).slice(0, 16)}.json`)
  }

  #failure(error: unknown, outcome: string): FlagFailure {
    const message = `${this.options.file}: ${reasonOf(error)}; ${outcome}`
    if (error instanceof CannotSplice)
      return failed(
        'contract',
        message,
        'Correct the file, or restore the flag by hand and resolve the step.',
      )
    const { code } = error as NodeJS.ErrnoException
    return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT'
      ? failed(
          'contract',
          message,
          'Let the sidecar read and write the file and its folder, then retry the step.',
        )
      : failed('transient', message, 'See the disk and the file system.')
  }
}

/** @returns whether it was replaced; false: somebody else wrote it since. */
async function replaceFile(path: string, before: string, after: string): Promise<boolean> {
  const { mode, uid, gid } = await stat(path)
  const beside = join(
    dirname(path),
    `.${basename(path)}.unwind-${process.pid}-${hashText(after).slice(0, 8)}`,
  )
  const file = await open(beside, 'w', mode & 0o777)
  try {
    await file.writeFile(after)
    await file.chmod(mode & 0o777)
    // Only the superuser may give a file away; anybody else writes only what is theirs.
    if (process.getuid?.() === 0) await file.chown(uid, gid)
    await file.sync()
  } finally {
    await file.close()
  }
  if ((await readFile(path, 'utf8')) !== before) {
    await unlink(beside)
    return false
  }
  await rename(beside, path)
  await syncFolder(dirname(path))
  return true
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The last guard: what is about to be written differs in these fields of this flag, and in nothing else. */
function assertOnly(before: unknown, text: string, flag: string, change: FlagState): void {
  const wanted = structuredClone(before) as { flags: Record<string, Record<string, unknown>> }
  for (const [field, value] of Object.entries(change))
    if (value === null) delete wanted.flags[flag]![field]
    else wanted.flags[flag]![field] = value
  if (!sameJson(readDefinitions(text).content, wanted))
    throw new CannotSplice(`flag ${flag} cannot be changed without touching the rest of the file`)
}

function flagIn(content: unknown, flag: string): Readonly<Record<string, Json>> | null {
  const flags = (content as { flags?: unknown }).flags
  if (typeof flags !== 'object' || flags === null || !Object.hasOwn(flags, flag)) return null
  const found = (flags as Record<string, unknown>)[flag]
  return typeof found === 'object' && found !== null ? (found as Record<string, Json>) : null
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
