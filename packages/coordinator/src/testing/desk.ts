import { type EscalationRaised, eventIds, freezePlan, type LedgerEvent, type Plan } from '@unwind/contracts'
import type { Channel, Message, Sent } from '../escalation/channels/channel.js'

const plan: Plan = {
  format: 1,
  rollbackId: 'rb-1',
  correlationId: 'order-1',
  revision: 1,
  scope: [],
  barrier: false,
  basis: null,
  steps: [
    {
      stepId: 'a',
      system: 'a',
      tier: 0,
      waitsFor: [],
      tandem: null,
      gate: null,
      contractVersion: '1.0.0',
      contractHash: 'c'.repeat(64),
      deadlineMs: 1_000,
      actions: [],
    },
  ],
  gates: [],
  surfaced: [],
}
const common = {
  correlationId: 'order-1',
  rollbackId: 'rb-1',
  occurredAt: 0,
  emitter: 'x',
  causationId: null,
}
export const requested: LedgerEvent = {
  type: 'RollbackRequested',
  data: {
    ...common,
    eventId: 'rb-1/requested/r1',
    revision: 1,
    ...freezePlan(plan),
    approvals: [],
    requestedBy: 'user:ana',
    policy: 'default',
    steps: [],
  },
}
export const escalationId = eventIds.escalation('rb-1', 'stuck', 'a', 0)
export const raised: EscalationRaised = {
  ...common,
  eventId: escalationId,
  escalationId,
  kind: 'stuck',
  severity: 'critical',
  stepId: 'a',
  system: 'a',
  owner: 'team a',
  message: 'it is stuck',
  hint: 'look',
  dueAt: 0,
}
export const alarm: LedgerEvent = { type: 'EscalationRaised', data: raised }
export const completed: LedgerEvent = {
  type: 'CompensationCompleted',
  data: {
    ...common,
    eventId: 'rb-1/a/completed/0',
    stepId: 'a',
    system: 'a',
    round: 0,
    attempt: 1,
    outcome: 'undone',
    restored: 1,
    expected: 1,
    fromDigest: null,
    toDigest: null,
    probe: 'test',
    durationMs: 1,
    notes: [],
  },
}
export const closed: LedgerEvent = {
  type: 'RollbackClosed',
  data: {
    ...common,
    eventId: 'rb-1/closed/r1',
    endState: 'RESTORED_VERIFIED',
    restored: 1,
    expected: 1,
    durationMs: 1,
    remaining: [],
  },
}

/** A channel that keeps what it is given and answers as it is told. */
export class Recording implements Channel {
  readonly kind = 'recording'
  keyed = false
  readonly parallel = 1
  readonly messages: Message[] = []
  answers: (Sent | Promise<Sent>)[] = []
  constructor(readonly name: string) {}
  takes() {
    return true
  }
  async send(message: Message): Promise<Sent> {
    this.messages.push(message)
    return (await this.answers.shift()) ?? { kind: 'delivered' }
  }
  async close() {}
  get names() {
    return this.messages.map(message => message.messageId.split('/notice/')[1])
  }
}
