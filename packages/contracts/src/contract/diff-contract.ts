import type { ActionContract, Contract } from './contract.js'
import { diffAdapter } from './diff-adapter.js'
import { sameValue } from './same-json.js'

/** One difference between two versions of a contract, and what it does to those who rely on the old one. */
export interface ContractChange {
  /** Path of the key, e.g. "actions.reserve.probe". */
  readonly key: string
  /** "breaking": something that the old version promised does not hold any more. */
  readonly effect: 'breaking' | 'compatible'
  readonly message: string
}

export type ReportChange = (effect: ContractChange['effect'], key: string, message: string) => void

/** Strong to weak: a step down is a promise less. */
const REVERSIBILITY = ['reversible', 'compensatable', 'irreversible'] as const

/**
 * What a new version of a contract changes. Plans in flight keep the version that they were made with; this is about every
 * rollback after it.
 * @returns in order of the contract; empty when both say the same.
 */
export function diffContracts(old: Contract, next: Contract): readonly ContractChange[] {
  const changes: ContractChange[] = []
  const report: ReportChange = (effect, key, message) => changes.push({ effect, key, message })
  if (old.system !== next.system)
    report('breaking', 'system', `is of another system: ${old.system} → ${next.system}`)
  diffHead(old, next, report)
  diffOrder(old, next, report)
  diffAdapter(old.adapter, next.adapter, report)
  diffActions(old, next, report)
  const { version } = next
  const order = compareVersions(version, old.version)
  if (order < 0)
    return [
      { key: 'version', effect: 'breaking', message: `goes back: ${old.version} → ${version}` },
      ...changes,
    ]
  if (order > 0 || changes.length === 0) return changes
  return [
    {
      key: 'version',
      effect: 'breaking',
      message: `${version} has other content already: plans name a version, so give this a new one`,
    },
    ...changes,
  ]
}

export function isBreaking(changes: readonly ContractChange[]): boolean {
  return changes.some(change => change.effect === 'breaking')
}

/** @returns less than, equal to or greater than 0. Both are "major.minor.patch". */
export function compareVersions(a: string, b: string): number {
  const parts = b.split('.').map(Number)
  for (const [i, part] of a.split('.').map(Number).entries()) {
    const difference = part - (parts[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function diffHead(old: Contract, next: Contract, report: ReportChange): void {
  for (const field of ['team', 'contact'] as const)
    if (old.owner[field] !== next.owner[field])
      report('compatible', `owner.${field}`, `${old.owner[field]} → ${next.owner[field]}`)
  if (!sameValue(old.owner.onCall, next.owner.onCall))
    report('compatible', 'owner.onCall', 'others are called, or at other moments')
  if (old.success !== next.success)
    report('compatible', 'success', 'says something else; its owner signs it anew')
  if (old.deadline < next.deadline)
    report(
      'breaking',
      'deadline',
      `is longer, so people are called later: ${old.deadline} ms → ${next.deadline} ms`,
    )
  if (old.deadline > next.deadline)
    report('compatible', 'deadline', `is shorter: ${old.deadline} ms → ${next.deadline} ms`)
}

/** What decides when this system's step runs, and with whom. */
function diffOrder(old: Contract, next: Contract, report: ReportChange): void {
  for (const name of old.dependsOn.filter(each => !next.dependsOn.includes(each)))
    report(
      'breaking',
      'dependsOn',
      `${name} is gone: it may be undone before ${next.system} or at the same time`,
    )
  for (const name of next.dependsOn.filter(each => !old.dependsOn.includes(each)))
    report('breaking', 'dependsOn', `${name} is new: it waits for ${next.system} from now on`)
  if (old.tandem !== next.tandem)
    report('breaking', 'tandem', `settles with others: ${old.tandem ?? 'alone'} → ${next.tandem ?? 'alone'}`)
  if (old.bypass !== next.bypass)
    report(
      next.bypass === 'allowed' ? 'breaking' : 'compatible',
      'bypass',
      next.bypass === 'allowed'
        ? 'it may be left out of a rollback from now on'
        : 'it may not be left out any more',
    )
  diffGate(old.gate, next.gate, report)
}

function diffGate(old: Contract['gate'], next: Contract['gate'], report: ReportChange): void {
  if (sameValue(old, next)) return
  if (!next) report('breaking', 'gate', 'is gone: nothing stands before the step any more')
  else if (next.kind === 'human')
    report('breaking', 'gate', 'a person must open it from now on, so no rollback runs through by itself')
  else if (old?.kind === 'human') report('breaking', 'gate', 'opens by itself: no person is asked any more')
  else {
    const shorter = old !== undefined && next.for < old.for
    report(shorter ? 'breaking' : 'compatible', 'gate.for', `rests ${old?.for ?? 0} ms → ${next.for} ms`)
  }
}

function diffActions(old: Contract, next: Contract, report: ReportChange): void {
  for (const [name, action] of Object.entries(old.actions)) {
    const changed = next.actions[name]
    if (changed) diffAction(`actions.${name}`, action, changed, report)
    else
      report(
        'breaking',
        `actions.${name}`,
        'is gone: actions of this name that were recorded, or still are, cannot be undone',
      )
  }
  for (const name of Object.keys(next.actions))
    if (!Object.hasOwn(old.actions, name)) report('compatible', `actions.${name}`, 'is new')
}

function diffAction(key: string, old: ActionContract, next: ActionContract, report: ReportChange): void {
  const step = REVERSIBILITY.indexOf(next.reversibility) - REVERSIBILITY.indexOf(old.reversibility)
  if (step !== 0)
    report(
      step > 0 ? 'breaking' : 'compatible',
      `${key}.reversibility`,
      `is ${step > 0 ? 'weaker' : 'stronger'}: ${old.reversibility} → ${next.reversibility}`,
    )
  if (old.probe !== undefined && next.probe === undefined && next.reversibility !== 'irreversible')
    report('breaking', `${key}.probe`, 'is gone: nothing proves the undo any more')
  else diffProbe(`${key}.probe`, old.probe, next.probe, report)
  if (old.undo !== undefined && next.undo === undefined && next.reversibility !== 'irreversible')
    report('breaking', `${key}.undo`, 'is gone')
  else if (!sameValue(old.undo, next.undo)) report('compatible', `${key}.undo`, 'is done in another way')
  if (old.onConflict !== next.onConflict)
    report(
      old.onConflict === 'park' || next.onConflict === 'force' ? 'breaking' : 'compatible',
      `${key}.onConflict`,
      `newer data: ${old.onConflict} → ${next.onConflict}${old.onConflict === 'park' ? ', without asking a person' : ''}`,
    )
  if (!sameValue(old.businessKey, next.businessKey))
    report(
      next.businessKey === undefined ? 'breaking' : 'compatible',
      `${key}.businessKey`,
      `duplicates are told by ${old.businessKey?.join(', ') ?? 'nothing'} → ${next.businessKey?.join(', ') ?? 'nothing'}`,
    )
  if (!sameValue(old.retry, next.retry))
    report(
      next.retry.attempts < old.retry.attempts ? 'breaking' : 'compatible',
      `${key}.retry`,
      `attempts ${old.retry.attempts} → ${next.retry.attempts}, waits ${old.retry.initial}–${old.retry.max} ms → ${next.retry.initial}–${next.retry.max} ms`,
    )
  if (old.timeout !== next.timeout)
    report('compatible', `${key}.timeout`, `${old.timeout} ms → ${next.timeout} ms`)
}

/** A probe proves less when it expects less. */
function diffProbe(key: string, old: unknown, next: unknown, report: ReportChange): void {
  if (sameValue(old, next)) return
  const lost =
    next === undefined ? [] : expectations(old ?? {}).filter(each => !expectations(next).includes(each))
  if (old === undefined) report('compatible', key, 'is new')
  else if (lost.length > 0)
    report('breaking', key, `proves less: ${lost.join(', ')} is not looked at any more`)
  else if (next !== undefined) report('compatible', key, 'reads in another way')
}

/** Names of what a probe expects, whatever kind of adapter it is for. */
function expectations(probe: unknown): readonly string[] {
  const { expect, contexts } = probe as { expect?: unknown; contexts?: unknown }
  const fields = typeof expect === 'object' && expect !== null ? Object.keys(expect) : []
  const people = Array.isArray(contexts)
    ? contexts.map(
        each => `context ${JSON.stringify((each as { context?: unknown } | null)?.context ?? null)}`,
      )
    : []
  return [...fields, ...people]
}
