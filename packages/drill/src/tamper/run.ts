import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type LedgerReport,
  type LocalDecoder,
  localDecoder,
  openExport,
  verifyLedger,
  writeExport,
} from '@unwind/cli'
import type { EventEncoder } from '@unwind/contracts'
import { describeFinding } from '@unwind/core'
import { TrustStore } from '@unwind/runtime'
import { Random } from '../simulation/engine/random.js'
import { Copy } from './copy.js'
import { ledgerEncoder, makeLedger } from './ledger.js'
import { type Expected, TAMPERINGS } from './tamperings.js'

export interface Attempt {
  readonly seed: number
  readonly name: string
  readonly expected: Expected
  /** What verification said first. */
  readonly said: string
  /** The kind fits and the place is exact. */
  readonly found: boolean
}

interface Workshop {
  readonly folder: string
  readonly encoder: EventEncoder
  readonly decode: LocalDecoder
}

/** For each seed: exports a ledger, tampers with a copy, and verifies what is left. */
export async function tamperMany(seed: number, count: number): Promise<readonly Attempt[]> {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-tamper-'))
  try {
    const attempts: Attempt[] = []
    const workshop = { folder, encoder: ledgerEncoder(), decode: localDecoder() }
    const names = Object.keys(TAMPERINGS)
    for (let n = 0; n < count; n++)
      attempts.push(await tamperOnce(workshop, seed + n, names[n % names.length]!))
    return attempts
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function tamperOnce(
  { folder, encoder, decode }: Workshop,
  seed: number,
  name: string,
): Promise<Attempt> {
  const random = new Random(seed)
  const ledger = makeLedger(random, encoder)
  const whole = join(folder, `${seed}`)
  await writeExport({ source: ledger.source, folder: whole, trust: ledger.trusted, now: 0, decode })
  const trust = new TrustStore(ledger.trusted)
  const untouched = await verifyLedger({ source: openExport(whole, trust, decode), trust })
  if (!isClean(untouched))
    throw new Error(`seed ${seed}: the untouched export is refused: ${firstWord(untouched)}`)
  const changed = join(folder, `${seed}-changed`)
  cpSync(whole, changed, { recursive: true })
  const copy = new Copy(changed)
  const partition = random.between(0, 1)
  const checkpoints = ledger.checkpoints.filter(c => c.partition === partition)
  const proven = Number(checkpoints.at(-1)!.next)
  const expected = TAMPERINGS[name]!({ ledger, copy, random, partition, checkpoints, proven, decode })
  copy.save()
  const without = await verifyLedger({ source: openExport(changed, trust, decode), trust })
  const witnessed = expected.witness
    ? await verifyLedger({ source: openExport(changed, trust, decode), trust, witnessed: ledger.checkpoints })
    : null
  const first = (witnessed ?? without).findings[0]
  const found =
    first !== undefined &&
    first.partition === partition &&
    first.subject === expected.subject &&
    Number(first.offset) === expected.offset &&
    expected.kinds.includes(first.kind)
  // What only a witness can tell must not be found by luck: then the documentation would be wrong.
  const asSaid = witnessed === null || isClean(without)
  rmSync(whole, { recursive: true })
  rmSync(changed, { recursive: true })
  return { seed, name, expected, said: firstWord(witnessed ?? without), found: found && asSaid }
}

function isClean({ findings, problems }: LedgerReport): boolean {
  return findings.length === 0 && problems.length === 0
}

function firstWord({ findings, problems }: LedgerReport): string {
  return findings[0] ? describeFinding(findings[0]) : (problems[0] ?? 'nothing was changed')
}
