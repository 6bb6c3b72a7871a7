import { eventIds, freezePlan, type LedgerEvent, type Plan } from '@unwind/contracts'
import {
  connectKafkajs,
  createEventSender,
  type EventLog,
  loadSigningKey,
  openRegistry,
} from '@unwind/runtime'
import { peakRssMb, startChild, stopChild } from './child.js'
import { type Closers, receiver, standIn, watchRaised } from './escalation-watch.js'
import type { Figure } from './report.js'
import { type BenchSite, benchContract, COORDINATOR, keyFile, silent, topicsOf } from './setup.js'

const SYSTEM = 'alpha'
/** From the last request to the first deadline: time in which the coordinator takes all of them up. */
const SETTLE_MS = 12_000
/** Deadlines of the first part lie evenly over so long; those of the second are one and the same moment after them. */
const SPREAD_MS = 5_000
const GAP_MS = 3_000
const WITHIN_MS = 2_000

export interface EscalationSizes {
  /** Rollbacks whose deadlines come one after the other while all are open. */
  readonly spread: number
  /** Rollbacks whose deadlines are the same moment. */
  readonly atOnce: number
}

/**
 * How long after its deadline a step is in the ledger as an escalation, by the broker's clock, with all rollbacks open: the
 * system's sidecar is there and does nothing. Each alarm goes to a webhook at once: the work of telling people is part of it.
 */
export async function escalations(site: BenchSite, sizes: EscalationSizes): Promise<readonly Figure[]> {
  const log = connectKafkajs({ brokers: site.brokers, clientId: 'bench-escalation', logger: silent })
  const closers: Closers = [() => log.close()]
  try {
    await publishContract(site, log, closers)
    await standIn(site, log, SYSTEM, closers)
    const hook = await receiver(closers)
    const coordinator = await startChild(
      new URL('./coordinator-process.js', import.meta.url),
      ['coordinator', JSON.stringify(site)],
      { BENCH_HOOK: hook.url },
    )
    closers.push(() => stopChild(coordinator))
    const raised = await watchRaised(site, log, closers)
    const dueAt = await openAll(site, log, sizes, closers)
    await raised.until(dueAt.size, Math.max(...dueAt.values()) + 60_000)
    const late = (from: number, to: number) =>
      [...dueAt]
        .slice(from, to)
        .map(([rollbackId, due]) => raised.at.get(rollbackId)! - due)
        .sort((a, b) => a - b)
    const delivered = await hook.until(dueAt.size, Date.now() + 120_000)
    const rss = peakRssMb(coordinator)
    return [
      ...figuresOf('escalation_one_of_open', late(0, sizes.spread)),
      ...figuresOf('escalation_all_at_once', late(sizes.spread, dueAt.size)),
      {
        name: 'escalation_all_delivered_after_s',
        value: (delivered - Math.max(...dueAt.values())) / 1_000,
        unit: 's',
        reference: null,
      },
      { name: 'escalation_open_rollbacks', value: dueAt.size, unit: 'rollbacks', reference: null },
      ...(rss === null
        ? []
        : [{ name: 'escalation_coordinator_peak_rss_mb', value: rss, unit: 'MB', reference: null }]),
    ]
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** @param late milliseconds after the deadline, ascending. */
function figuresOf(name: string, late: readonly number[]): readonly Figure[] {
  if (late[0]! < 0) throw new Error(`${name}: an escalation came ${-late[0]!} ms before its deadline`)
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))]!
  return [
    { name: `${name}_p50_ms`, value: at(0.5), unit: 'ms', reference: null },
    {
      name: `${name}_max_ms`,
      value: at(1),
      unit: 'ms',
      reference: { name: 'target_ms', value: WITHIN_MS },
    },
  ]
}

async function senderOf(site: BenchSite, log: EventLog, name: string, closers: Closers) {
  const topics = topicsOf(site)
  const registry = await openRegistry({ url: site.registryUrl, topics })
  const key = loadSigningKey(keyFile(site, name))
  const sender = await createEventSender({ log, topics, registry, key, source: '/bench' })
  closers.push(() => sender.close())
  return { sender, key }
}

async function publishContract(site: BenchSite, log: EventLog, closers: Closers): Promise<void> {
  const { sender, key } = await senderOf(site, log, SYSTEM, closers)
  const { document, hash, contract } = benchContract(site, SYSTEM)
  const data = { system: SYSTEM, occurredAt: Date.now(), emitter: key.principal, version: contract.version }
  await sender.send({
    type: 'ContractPublished',
    data: { ...data, document, hash, eventId: `contract/${SYSTEM}/${hash}` },
  })
}

/** Requests them all. @returns the deadline of each, epoch ms. */
async function openAll(
  site: BenchSite,
  log: EventLog,
  { spread, atOnce }: EscalationSizes,
  closers: Closers,
): Promise<ReadonlyMap<string, number>> {
  const { sender, key } = await senderOf(site, log, 'coordinator', closers)
  const { hash, contract } = benchContract(site, SYSTEM)
  const requestedAt = Date.now()
  const first = requestedAt + SETTLE_MS
  const dueAt = new Map<string, number>()
  const sent: Promise<unknown>[] = []
  for (let i = 0; i < spread + atOnce; i++) {
    const due = i < spread ? first + Math.floor((i * SPREAD_MS) / spread) : first + SPREAD_MS + GAP_MS
    const plan: Plan = {
      format: 1,
      rollbackId: `rb-${i}`,
      correlationId: `order-${i}`,
      revision: 1,
      scope: [],
      barrier: false,
      basis: null,
      steps: [
        {
          stepId: SYSTEM,
          system: SYSTEM,
          tier: 0,
          waitsFor: [],
          tandem: null,
          gate: null,
          contractVersion: contract.version,
          contractHash: hash,
          deadlineMs: due - requestedAt,
          actions: [{ actionId: `${SYSTEM}:${i}`, action: 'entry.written', resource: null, data: '{}' }],
        },
      ],
      gates: [],
      surfaced: [],
    }
    dueAt.set(plan.rollbackId, due)
    sent.push(sender.send(request(plan, key.keyId, requestedAt)))
  }
  await Promise.all(sent)
  const left = first - Date.now()
  if (left < SETTLE_MS / 2)
    throw new Error(
      `writing ${dueAt.size} requests took ${SETTLE_MS - left} ms: too slow to measure anything`,
    )
  return dueAt
}

function request(plan: Plan, keyId: string, at: number): LedgerEvent {
  const frozen = freezePlan(plan)
  const approval = {
    approver: 'policy:default',
    planHash: frozen.planHash,
    grantedAt: at,
    expiresAt: null,
    keyId,
    signature: '',
  }
  return {
    type: 'RollbackRequested',
    data: {
      eventId: eventIds.requested(plan.rollbackId, plan.revision),
      correlationId: plan.correlationId,
      rollbackId: plan.rollbackId,
      occurredAt: at,
      emitter: COORDINATOR,
      causationId: null,
      revision: plan.revision,
      ...frozen,
      approvals: [approval],
      requestedBy: 'client:bench',
      policy: 'default',
      steps: [],
    },
  }
}
