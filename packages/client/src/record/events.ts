import { type EventOf, eventIds } from '@unwind/contracts'
import { type Identifiers, InvalidAction, identifiersText, required, requiredName } from './identifiers.js'
import type { Action, Failure, Proposal } from './options.js'

/** What the client adds to what the caller says. */
export interface Stamp {
  readonly system: string
  /** Principal of the signing key. */
  readonly emitter: string
  /** Epoch ms. */
  readonly now: number
}

/**
 * @param actionId given by the caller or made once for this call: retries keep it.
 * @throws InvalidAction naming the member that is wrong. Nothing was sent.
 */
export function actionRecorded(
  action: Action<string, Identifiers>,
  actionId: string,
  stamp: Stamp,
): EventOf<'ActionRecorded'> {
  const items = action.items ?? 1
  if (!Number.isSafeInteger(items) || items < 0 || items > 2_147_483_647)
    throw new InvalidAction('items', `expected a whole number of items, got ${items}`)
  return {
    type: 'ActionRecorded',
    data: {
      ...common(action, actionId, stamp),
      data: identifiersText(action.data),
      items,
      digest: optional('digest', action.digest),
    },
  }
}

/** @throws InvalidAction naming the member that is wrong. Nothing was sent. */
export function actionFailed(failure: Failure, actionId: string, stamp: Stamp): EventOf<'ActionFailed'> {
  return {
    type: 'ActionFailed',
    data: {
      ...common(failure, actionId, stamp),
      code: required('code', failure.code),
      message: required('message', failure.message, 2_000),
    },
  }
}

/** @throws InvalidAction naming the member that is wrong. Nothing was sent. */
export function rollbackProposed(
  proposal: Proposal,
  rollbackId: string,
  stamp: Omit<Stamp, 'system'>,
): EventOf<'RollbackProposed'> {
  const id = requiredName('rollbackId', rollbackId, 200)
  return {
    type: 'RollbackProposed',
    data: {
      eventId: eventIds.proposed(id),
      correlationId: requiredName('correlationId', proposal.correlationId),
      rollbackId: id,
      occurredAt: stamp.now,
      emitter: stamp.emitter,
      causationId: null,
      systems: [...new Set(proposal.systems ?? [])].map((s, i) => required(`systems[${i}]`, s, 63)).sort(),
      reason: required('reason', proposal.reason, 2_000),
      incidentClass: optional('incidentClass', proposal.incidentClass),
      trigger: 'service',
      proposedBy: stamp.emitter,
      supplements: null,
      part: partOf(proposal),
      release: optional('release', proposal.release),
    },
  }
}

function partOf({ actions = [], resources = [], acceptPartial = false }: Proposal) {
  if (actions.length === 0 && resources.length === 0 && !acceptPartial) return null
  const names = (path: string, list: readonly string[]) =>
    [...new Set(list)].map((name, i) => required(`${path}[${i}]`, name)).sort()
  return {
    actions: names('actions', actions),
    resources: names('resources', resources),
    acceptsDependants: acceptPartial,
  }
}

function common(of: Action<string, Identifiers> | Failure, actionId: string, stamp: Stamp) {
  const occurredAt = of.occurredAt ?? stamp.now
  if (!Number.isSafeInteger(occurredAt) || occurredAt < 0)
    throw new InvalidAction('occurredAt', `expected epoch milliseconds, got ${occurredAt}`)
  return {
    eventId: requiredName('actionId', actionId),
    correlationId: requiredName('correlationId', of.correlationId),
    system: required('system', of.system ?? stamp.system, 63),
    action: requiredName('action', of.action),
    resource: optional('resource', of.resource),
    occurredAt,
    emitter: stamp.emitter,
    causationId: optional('causationId', of.causationId),
  }
}

function optional(path: string, value: string | null | undefined): string | null {
  return value === null || value === undefined ? null : required(path, value)
}
