import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** An append-only file of JSON lines: what a service has decided, and all that it needs to come back after a crash. */
export interface Journal<E> {
  /** Resolves when the entry is on disk. One call at a time. */
  append(entry: E): Promise<void>
  close(): Promise<void>
}

/** @returns the journal, opened for appending, and the entries that it holds. */
export async function openJournal<E>(file: string): Promise<{ journal: Journal<E>; entries: readonly E[] }> {
  await mkdir(dirname(file), { recursive: true })
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  // A last line without its end was being written when the process died: its request was never answered.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = whole.split('\n').filter(line => line !== '')
  const handle = await open(file, 'a')
  await handle.truncate(Buffer.byteLength(whole))
  const journal: Journal<E> = {
    append: async entry => {
      await handle.appendFile(`${JSON.stringify(entry)}\n`)
      await handle.datasync()
    },
    close: () => handle.close(),
  }
  return { journal, entries: lines.map(line => JSON.parse(line) as E) }
}
