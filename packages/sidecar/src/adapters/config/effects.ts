import { randomBytes } from 'node:crypto'
import { link, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hashText } from '@unwind/contracts'
import { type FileTree, ignoreExisting, missing, renameDurably, syncFolder, writeDurably } from './tree.js'

/**
 * Effect and record as one step, on a file system (I2). What a restore will put into place lies ready ("staged"), the record
 * names it, and then one rename moves it over the file. Since a rename happens or does not, the record's staged file tells:
 * still there, not done; gone, done. Whoever finds the record after a crash, or at the same time, comes to the same answer.
 *
 *   effects/K           record: what, from which content, to which; made once, exclusively
 *   staged/K.nonce      content that will be moved over the file; for a deletion, an empty mark
 *   withdrawn/K.nonce   staged content that will never be moved: the restore was given up before it happened
 *   replaced/K.nonce    the content that was there before, for whoever wants it back
 */
export interface EffectRecord {
  readonly key: string
  readonly path: string
  readonly nonce: string
  /** Digests of the content; null: no file. */
  readonly from: string | null
  readonly to: string | null
}

export type RestoreResult =
  | { readonly kind: 'done'; readonly before: boolean }
  /** The file is not what the decision was made on; nothing was changed. */
  | { readonly kind: 'changed' }

const FOLDERS = ['effects', 'staged', 'withdrawn', 'replaced'] as const
const ATTEMPTS = 8

export class Effects {
  constructor(
    private readonly tree: FileTree,
    private readonly failpoint: (name: string) => Promise<void>,
  ) {}

  /** Makes the folders, and forgets what is older than `retentionMs`. */
  async start(retentionMs: number, now: number): Promise<void> {
    for (const folder of FOLDERS) {
      const path = join(this.tree.state, folder)
      await mkdir(path, { mode: 0o700 }).catch(ignoreExisting)
      for (const name of await readdir(path)) {
        const entry = await lstat(join(path, name)).catch(missing)
        if (entry && now - entry.ctimeMs > retentionMs) await rm(join(path, name), { force: true })
      }
    }
    await syncFolder(this.tree.state)
  }

  /** Whether the effect of this key has happened. */
  async happened(key: string): Promise<boolean> {
    return (await this.#stateOf(key)).kind === 'applied'
  }

  /**
   * Puts `content` in the place of a file, once for each key.
   * @param from digest of the content on which this was decided.
   * @param content null: the file goes.
   */
  async restore(
    key: string,
    path: string,
    from: string | null,
    content: string | null,
  ): Promise<RestoreResult> {
    const to = content === null ? null : hashText(content)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const state = await this.#stateOf(key)
      if (state.kind === 'applied') return { kind: 'done', before: true }
      if (state.kind === 'open' && (state.record.from !== from || state.record.to !== to)) {
        await this.#withdraw(state.record)
        continue
      }
      if (state.kind === 'withdrawn') {
        await this.#forget(state.record)
        continue
      }
      const record =
        state.kind === 'open' ? state.record : await this.#prepare({ key, path, from, to }, content)
      if (!record) continue
      await this.failpoint('config.before-rename')
      if (digestOf(await this.tree.read(path)) !== from) {
        // Somebody was quicker; or the effect is another process's, which the record tells.
        if ((await this.#stateOf(key)).kind === 'applied') return { kind: 'done', before: true }
        await this.#withdraw(record)
        return { kind: 'changed' }
      }
      const moved = await this.#commit(record)
      await this.failpoint('config.after-rename')
      if (moved) return { kind: 'done', before: false }
    }
    throw new Error(`${path}: other processes keep restoring the same step (${key})`)
  }

  /** The file is as the restore would leave it: from now on the step has been done, whatever is written later. */
  async conclude(key: string, path: string, digest: string | null): Promise<void> {
    const state = await this.#stateOf(key)
    if (state.kind === 'applied') return
    // Killed between the removal of a file and of its mark.
    if (state.kind === 'open' && state.record.to === digest)
      await rm(this.#at('staged', state.record), { force: true })
    else if (state.kind === 'none')
      await this.#record({ key, path, nonce: newNonce(), from: digest, to: digest })
  }

  /** Stages the content and writes the record. @returns null when another process has written one meanwhile. */
  async #prepare(about: Omit<EffectRecord, 'nonce'>, content: string | null): Promise<EffectRecord | null> {
    const record: EffectRecord = { ...about, nonce: newNonce() }
    const current = await lstat(await this.tree.locate(about.path)).catch(missing)
    await writeDurably(this.#at('staged', record), content ?? '', current)
    await syncFolder(join(this.tree.state, 'staged'))
    if (!(await this.#record(record))) {
      await rm(this.#at('staged', record), { force: true })
      return null
    }
    await this.failpoint('config.after-record')
    return record
  }

  /** A link fails where the name exists: of two processes one makes the record, and nobody reads half of one. */
  async #record(record: EffectRecord): Promise<boolean> {
    const draft = `${this.#at('effects', record)}.draft`
    await writeDurably(draft, JSON.stringify(record))
    try {
      await link(draft, this.#recordFile(record.key))
      await syncFolder(join(this.tree.state, 'effects'))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    } finally {
      await rm(draft, { force: true })
    }
  }

  /** @returns false when the staged content was not there any more: another process moved or withdrew it. */
  async #commit(record: EffectRecord): Promise<boolean> {
    const file = await this.tree.locate(record.path)
    if (record.from !== null) await link(file, this.#at('replaced', record)).catch(ignoreExistingOrMissing)
    try {
      if (record.to === null) {
        // The file first: a mark that is gone says that it is done.
        await rm(file, { force: true })
        await syncFolder(dirname(file))
        await rm(this.#at('staged', record))
        await syncFolder(join(this.tree.state, 'staged'))
      } else {
        await mkdir(dirname(file), { recursive: true })
        await renameDurably(this.#at('staged', record), file)
      }
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
  }

  /** Takes the staged content away from whoever might still move it; only one rename of the two succeeds. */
  async #withdraw(record: EffectRecord): Promise<void> {
    const taken = await rename(this.#at('staged', record), this.#at('withdrawn', record)).then(
      () => true,
      missing,
    )
    if (taken) await this.#forget(record)
  }

  async #forget(record: EffectRecord): Promise<void> {
    const current = await this.#recordOf(record.key)
    if (current?.nonce === record.nonce) await rm(this.#recordFile(record.key), { force: true })
    await rm(this.#at('withdrawn', record), { force: true })
  }

  async #stateOf(
    key: string,
  ): Promise<
    | { readonly kind: 'none' }
    | { readonly kind: 'applied' | 'open' | 'withdrawn'; readonly record: EffectRecord }
  > {
    const record = await this.#recordOf(key)
    if (!record) return { kind: 'none' }
    if (await lstat(this.#at('staged', record)).catch(missing)) return { kind: 'open', record }
    if (await lstat(this.#at('withdrawn', record)).catch(missing)) return { kind: 'withdrawn', record }
    // Read again: a record that was withdrawn and forgotten between the looks is none.
    return (await this.#recordOf(key))?.nonce === record.nonce
      ? { kind: 'applied', record }
      : this.#stateOf(key)
  }

  async #recordOf(key: string): Promise<EffectRecord | null> {
    const text = await readFile(this.#recordFile(key), 'utf8').catch(missing)
    return text === null ? null : (JSON.parse(text) as EffectRecord)
  }

  #recordFile(key: string): string {
    return join(this.tree.state, 'effects', hashText(key))
  }

  #at(folder: (typeof FOLDERS)[number], { key, nonce }: EffectRecord): string {
    return join(this.tree.state, folder, `${hashText(key)}.${nonce}`)
  }
}

function newNonce(): string {
  return randomBytes(8).toString('hex')
}

export function digestOf(content: string | null): string | null {
  return content === null ? null : hashText(content)
}

function ignoreExistingOrMissing(error: NodeJS.ErrnoException): void {
  // Some file systems have no links; then nobody gets the old content back from here.
  if (!['EEXIST', 'ENOENT', 'EPERM', 'ENOTSUP', 'EXDEV'].includes(error.code ?? '')) throw error
}
