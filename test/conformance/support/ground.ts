import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdapterFixture, Ground, StackPlace } from '@unwind/sidecar/conformance'

/** What one fixture starts: opened by the first case that needs it, so that one that cannot be opened fails all of its cases. */
export class TestGround {
  readonly #closers: (() => Promise<unknown>)[] = []
  #opened: Promise<Ground> | undefined

  constructor(
    private readonly fixture: AdapterFixture,
    private readonly stack: StackPlace | null,
  ) {}

  opened(): Promise<Ground> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  async #open(): Promise<Ground> {
    const name = `conf_${this.fixture.kind.replaceAll('-', '_')}_${randomBytes(3).toString('hex')}`
    const folder = mkdtempSync(join(tmpdir(), `${name}-`))
    const onClose = (close: () => Promise<unknown>) => void this.#closers.unshift(close)
    onClose(async () => rmSync(folder, { recursive: true, force: true }))
    return this.fixture.open({ name, folder, stack: this.stack, onClose })
  }

  /** Closes all of it, and says the first failure only when everything was tried. */
  async close(): Promise<void> {
    await this.#opened?.catch(() => undefined)
    const failures: unknown[] = []
    for (const close of this.#closers.splice(0)) await close().catch(error => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
}
