import { type FSWatcher, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AdapterFixture, Forward, Newer, Target, TargetOptions } from '@unwind/sidecar/conformance'

const BEFORE = { level: 'info', steps: 3 }
const AFTER = { level: 'debug', steps: 2 }
const NEWER = { level: 'debug', steps: 9 }
const text = ({ level, steps }: typeof BEFORE) => `# of the shop\nlevel: ${level}\nsteps: ${steps}\n`

/** Configuration files with their versions. The kernel tells how often one of them was put into place. */
class Files implements Target {
  readonly #watcher: FSWatcher
  /** Entries of the folder that came or went, by name. */
  readonly #moves = new Map<string, number>()
  readonly #before = new Map<string, number>()
  readonly #marks = new Map<string, () => void>()
  #count = 0
  #markCount = 0

  constructor(
    private readonly root: string,
    private readonly options: TargetOptions,
  ) {
    for (const folder of ['live', 'v1', 'v2']) mkdirSync(join(root, folder), { recursive: true })
    this.#watcher = watch(join(root, 'live'), (event, name) => {
      if (event !== 'rename' || name === null) return
      this.#moves.set(name, (this.#moves.get(name) ?? 0) + 1)
      this.#marks.get(name)?.()
    })
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'platform', contact: 'platform@example.com' },
      success: 'every file is that of before the release',
      adapter: { kind: 'config', store: 'files', root: this.root },
      actions: {
        'file.changed': {
          onConflict,
          timeout: `${timeoutMs}ms`,
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          undo: { at: 'live/{file}', previous: { at: 'v1/{file}' }, left: { at: 'v2/{file}' } },
        },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, () => `app-${++this.#count}.yaml`)
    for (const file of subjects) {
      writeFileSync(join(this.root, 'v1', file), text(BEFORE))
      writeFileSync(join(this.root, 'v2', file), text(AFTER))
      writeFileSync(join(this.root, 'live', file), text(AFTER))
    }
    await this.#settled()
    for (const file of subjects) this.#before.set(file, this.#moves.get(file) ?? 0)
    return {
      correlationId,
      subjects,
      recorded: subjects.map(file => ({ action: 'file.changed', resource: file, data: { file } })),
      restored: Object.fromEntries(subjects.map(file => [file, text(BEFORE)])),
    }
  }

  async state(subject: string) {
    return readFileSync(join(this.root, 'live', subject), 'utf8')
  }

  async effects(subject: string): Promise<number> {
    await this.#settled()
    return (this.#moves.get(subject) ?? 0) - (this.#before.get(subject) ?? 0)
  }

  /** In place, as an editor does that keeps the file: no entry of the folder moves. */
  async writeNewer(subject: string): Promise<Newer> {
    writeFileSync(join(this.root, 'live', subject), text(NEWER))
    return {
      differences: [{ item: subject, field: '/steps', before: '3', after: '2', current: '9' }],
      after: { keep: text(NEWER), force: text(BEFORE), merge: text({ level: 'info', steps: 9 }) },
    }
  }

  async close(): Promise<void> {
    this.#watcher.close()
  }

  /** What the kernel tells comes in order: when it has told of a new mark, it has told of everything before it. */
  async #settled(): Promise<void> {
    const mark = `mark-${++this.#markCount}`
    const told = new Promise<void>(resolve => this.#marks.set(mark, resolve))
    writeFileSync(join(this.root, 'live', mark), '')
    await told
    this.#marks.delete(mark)
  }
}

const fixture: AdapterFixture = {
  kind: 'config',
  needs: 'nothing',
  features: {
    adapter: { atomicEffect: true, findsActions: false, fence: 'none' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: false,
    partial: 'none',
    faults: [],
    inside: ['config.after-record', 'config.before-rename', 'config.after-rename'],
  },
  async open({ folder }) {
    return { target: async options => new Files(join(folder, options.system), options) }
  },
}

export default fixture
