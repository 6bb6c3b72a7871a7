import { execFile } from 'node:child_process'
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Contract, parseContract } from '../../../packages/contracts/src/index.js'
import type { Adapter, StepWork } from '../../../packages/sidecar/src/adapter/port.js'
import { createCommandAdapter } from '../../../packages/sidecar/src/adapters/command/index.js'

export const LEDGER = fileURLToPath(new URL('../../../examples/legacy-ledger/bin/ledger', import.meta.url))
const CONTRACT = fileURLToPath(
  new URL('../../../examples/legacy-ledger/contracts/ledger.yaml', import.meta.url),
)
const run = promisify(execFile)

/** The example's flat-file ledger in a folder of its own, used as its bookkeepers use it. */
export class Ledger {
  readonly folder = mkdtempSync(join(tmpdir(), 'unwind-ledger-'))
  #scripts = 0

  async post(number: number, cents = 1_250, memo = 'order 17'): Promise<void> {
    await this.#call('post', String(number), 'A-1', 'B-2', String(cents), memo)
  }

  async amend(number: number, memo: string): Promise<void> {
    await this.#call('amend', String(number), memo)
  }

  /** Reversing entries in the file: counted where they happen. */
  reversals(number: number): number {
    return this.lines().filter(line => line.startsWith(`${number}|R|`)).length
  }

  lines(): string[] {
    return readFileSync(join(this.folder, 'ledger.txt'), 'utf8').trimEnd().split('\n')
  }

  /** A program that stands in the ledger's place. `"$LEDGER"` in it is the ledger itself, `$LEDGER_DIR` its folder. */
  script(body: string, mode = 0o755): string {
    const file = join(this.folder, `script-${++this.#scripts}.sh`)
    writeFileSync(file, `#!/bin/sh\nLEDGER='${LEDGER}'\n${body}\n`)
    chmodSync(file, mode)
    return file
  }

  /** A note of the test's own, e.g. which processes ran. */
  notes(file: string): string[] {
    try {
      return readFileSync(join(this.folder, file), 'utf8').trim().split('\n').filter(Boolean)
    } catch {
      return []
    }
  }

  touch(file: string): void {
    appendFileSync(join(this.folder, file), '')
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #call(...[verb, ...args]: string[]): Promise<void> {
    await run(LEDGER, [verb!, '--', ...args], { env: { PATH: process.env.PATH, LEDGER_DIR: this.folder } })
  }
}

export interface Parts {
  /** Program of the undo, in place of the ledger's own. */
  readonly undo?: string
  readonly probe?: string
  /** Changes the contract of the example. */
  change?(contract: ContractObject): void
  readonly environment?: Record<string, string>
  failpoint?(name: string): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: tests change the contract at arbitrary places.
export type ContractObject = any

export function contractOf(ledger: Ledger, { undo, probe, change }: Parts = {}): Contract {
  const variables: Record<string, string> = { LEDGER_DIR: ledger.folder, LEDGER_BIN: LEDGER }
  const { contract } = parseContract(readFileSync(CONTRACT, 'utf8'), 'ledger.yaml', {
    lookup: name => variables[name],
  })
  const copy: ContractObject = structuredClone(contract)
  const action = copy.actions['entry.posted']
  if (undo) action.undo.run = undo
  if (probe) action.probe.run = probe
  change?.(copy)
  return copy
}

export function adapterFor(ledger: Ledger, parts: Parts = {}): Adapter {
  const contract = contractOf(ledger, parts)
  const context = {
    contract,
    actionContract: (name: string) => contract.actions[name],
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    failpoint: parts.failpoint ?? (async () => undefined),
  }
  return createCommandAdapter(context, parts.environment ?? {})
}

export function workOn(numbers: readonly number[], overrides: Partial<StepWork> = {}): StepWork {
  return {
    rollbackId: 'rb-1',
    correlationId: 'order-17',
    stepId: 'ledger',
    key: 'rb-1/ledger',
    actions: numbers.map(number => ({
      actionId: `ledger:${number}`,
      action: 'entry.posted',
      resource: `entries/${number}`,
      data: JSON.stringify({ number, cents: 1_250, memo: 'order 17' }),
    })),
    resolution: null,
    traceparent: null,
    ...overrides,
  }
}

/** Never aborted. */
export const open: AbortSignal = new AbortController().signal
