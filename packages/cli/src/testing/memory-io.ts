import { Readable, Writable } from 'node:stream'
import type { Io } from '../shell/io.js'

export interface MemoryIo extends Io {
  out(): string
  err(): string
}

/** A world without a terminal, for specs: what was written is kept, nobody can be asked. */
export function memoryIo(options: {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}): MemoryIo {
  const kept = { out: '', err: '' }
  const sink = (name: keyof typeof kept): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        kept[name] += String(chunk)
        done()
      },
    })
  return {
    stdout: sink('out') as Io['stdout'],
    stderr: sink('err') as Io['stderr'],
    stdin: Readable.from([]) as Io['stdin'],
    env: options.env ?? {},
    cwd: options.cwd,
    interrupted: new AbortController().signal,
    out: () => kept.out,
    err: () => kept.err,
  }
}
