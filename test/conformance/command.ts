import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type {
  AdapterFixture,
  Fault,
  Forward,
  Newer,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import { FaultyProgram } from '../support/faulty-program.js'

const LEDGER = fileURLToPath(new URL('../../examples/legacy-ledger/bin/ledger', import.meta.url))
/** A program's mere start can take longer than what a case grants to a call that hangs. */
const LEAST_MS = 1_500
const CENTS = 1_250
const MEMO = 'order'
const run = promisify(execFile)

/** The flat-file ledger of the examples: entries are booked by its own script, and counted in its file. */
class Ledger implements Target {
  readonly #program: FaultyProgram
  #count = 0

  constructor(
    private readonly folder: string,
    private readonly options: TargetOptions,
  ) {
    mkdirSync(folder)
    this.#program = new FaultyProgram(folder, LEDGER, 'reverse')
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    const number = { value: '{number}', type: 'integer' }
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'accounting', contact: 'accounting@example.com' },
      success: 'every entry has one reversing entry',
      adapter: { kind: 'command', environment: { set: { LEDGER_DIR: this.folder } }, killAfter: '200ms' },
      actions: {
        'entry.posted': {
          onConflict,
          timeout: `${Math.max(LEAST_MS, timeoutMs)}ms`,
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          undo: {
            run: this.#program.path,
            words: ['reverse'],
            arguments: [number, { value: '{cents}', type: 'integer' }],
            exits: { 0: 'done', 3: 'already-done', 10: 'conflict', 75: 'transient' },
            expect: { '/status': 'posted', '/memo': MEMO },
          },
          probe: {
            run: this.#program.path,
            words: ['show'],
            arguments: [number],
            expect: { '/status': 'reversed' },
          },
        },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, () => String(++this.#count))
    for (const number of subjects) await this.#call('post', number, 'A-1', 'B-2', String(CENTS), MEMO)
    return {
      correlationId,
      subjects,
      recorded: subjects.map(number => ({
        action: 'entry.posted',
        resource: `entries/${number}`,
        data: { number: Number(number), cents: CENTS },
      })),
      restored: Object.fromEntries(subjects.map(number => [number, { status: 'reversed', memo: MEMO }])),
    }
  }

  async state(subject: string) {
    const [entry] = this.#lines(subject, 'P')
    return entry
      ? { status: (await this.effects(subject)) > 0 ? 'reversed' : 'posted', memo: entry.at(-1)! }
      : null
  }

  async effects(subject: string): Promise<number> {
    return this.#lines(subject, 'R').length
  }

  async writeNewer(subject: string): Promise<Newer> {
    await this.#call('amend', subject, 'gift')
    return {
      differences: [
        { item: `entries/${subject}`, field: '/memo', before: null, after: `"${MEMO}"`, current: '"gift"' },
      ],
      after: { keep: { status: 'posted', memo: 'gift' }, force: { status: 'reversed', memo: 'gift' } },
    }
  }

  inject(fault: Fault) {
    return this.#program.inject(fault)
  }

  async close(): Promise<void> {}

  #lines(number: string, kind: 'P' | 'R'): string[][] {
    const lines = readFileSync(join(this.folder, 'ledger.txt'), 'utf8').split('\n')
    return lines.map(line => line.split('|')).filter(line => line[0] === number && line[1] === kind)
  }

  async #call(verb: string, ...args: string[]): Promise<void> {
    await run(LEDGER, [verb, '--', ...args], { env: { PATH: process.env.PATH, LEDGER_DIR: this.folder } })
  }
}

const fixture: AdapterFixture = {
  kind: 'command',
  needs: 'nothing',
  features: {
    adapter: { atomicEffect: false, findsActions: false, fence: 'none' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force'],
    delta: false,
    partial: 'items',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['command.before-run', 'command.after-run'],
  },
  async open({ folder }) {
    return { target: async options => new Ledger(join(folder, options.system), options) }
  },
}

export default fixture
