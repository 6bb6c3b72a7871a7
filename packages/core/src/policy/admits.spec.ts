import { type EventType, SCHEMA_FILES, type UnwindEvent } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { admits } from './admits.js'
import { ROLES, type Role, type Signer } from './signer.js'

const WHO: Readonly<Record<Role, Signer>> = {
  coordinator: { principal: 'coordinator', roles: ['coordinator'], systems: [] },
  sidecar: { principal: 'sidecar:orders', roles: ['sidecar'], systems: ['orders'] },
  client: { principal: 'service:shop', roles: ['client'], systems: [] },
  operator: { principal: 'user:ana', roles: ['operator'], systems: [] },
  approver: { principal: 'user:ben', roles: ['approver'], systems: [] },
  voucher: { principal: 'voucher:one', roles: ['voucher'], systems: [] },
}

/** Who may say each event in their own name. The protocol's authority in one table. */
const MAY: Readonly<Record<EventType, readonly Role[]>> = {
  ActionRecorded: ['sidecar', 'client'],
  ActionFailed: ['sidecar', 'client'],
  ContractPublished: ['sidecar', 'operator'],
  SidecarAnnounced: ['sidecar'],
  LedgerCheckpointed: ['coordinator'],
  RollbackProposed: ['coordinator', 'client', 'operator'],
  ApprovalRequested: ['coordinator'],
  ApprovalGranted: ['coordinator', 'operator', 'approver'],
  ApprovalDenied: ['coordinator', 'approver'],
  RollbackRequested: ['coordinator'],
  CompensationStarted: ['sidecar'],
  CompensationCompleted: ['sidecar'],
  CompensationFailed: ['sidecar'],
  StepParked: ['sidecar'],
  GateOpened: ['coordinator', 'operator'],
  OperatorCommandIssued: ['coordinator'],
  SystemFenced: ['sidecar'],
  LateActionDetected: ['coordinator', 'sidecar'],
  ReconciliationRequested: ['coordinator'],
  AnomalyDetected: ['coordinator'],
  ReconciliationReported: ['coordinator', 'sidecar'],
  EscalationRaised: ['coordinator'],
  EscalationAcknowledged: ['coordinator'],
  EscalationDelivered: ['coordinator'],
  RollbackClosed: ['coordinator'],
  NoteAdded: ['coordinator', 'operator', 'approver', 'sidecar'],
}

function say(type: EventType, signer: Signer, over: object = {}): UnwindEvent {
  const own = signer.principal
  const data = {
    eventId: 'e-1',
    emitter: own,
    system: 'orders',
    results: [{ system: 'orders' }],
    proposedBy: own,
    approver: own,
    openedBy: own,
    author: own,
    roles: [],
    teams: [],
    subject: null,
    breakGlass: false,
    ...over,
  }
  return { type, data } as unknown as UnwindEvent
}

test('the table names every event that there is', () => {
  expect(Object.keys(MAY).sort()).toEqual([...new Set(SCHEMA_FILES.map(file => file.name))].sort())
})

describe.each(Object.entries(MAY) as [EventType, readonly Role[]][])('%s', (type, may) => {
  test.each(ROLES)('by a key with the role %s', role => {
    const answer = admits(WHO[role], say(type, WHO[role]))
    expect(answer === null).toBe(may.includes(role))
    if (answer) expect(answer.message).toMatch(new RegExp(`^${type} e-1: `))
  })

  test('is refused under the name of another emitter', () => {
    const role = may[0]!
    expect(admits(WHO[role], say(type, WHO[role], { emitter: 'mallory' }))).toEqual({
      code: 'unauthorised',
      message: `${type} e-1: it names mallory as its emitter, and ${WHO[role].principal} signed it`,
    })
  })
})

test.each([
  'CompensationCompleted',
  'StepParked',
  'SystemFenced',
  'SidecarAnnounced',
  'ActionRecorded',
] as const)('%s of another system is refused to a sidecar', type => {
  expect(admits(WHO.sidecar, say(type, WHO.sidecar, { system: 'payments' }))).toEqual({
    code: 'unauthorised',
    message: `${type} e-1: sidecar:orders speaks for orders, not for payments`,
  })
})

test('a sidecar reports on its own systems only', () => {
  const results = [{ system: 'orders' }, { system: 'payments' }]
  expect(admits(WHO.sidecar, say('ReconciliationReported', WHO.sidecar, { results }))?.message).toBe(
    'ReconciliationReported e-1: sidecar:orders speaks for orders, not for payments',
  )
})

test('a client with systems records for those only', () => {
  const client = { ...WHO.client, systems: ['loyalty'] }
  expect(admits(client, say('ActionRecorded', client, { system: 'loyalty' }))).toBeNull()
  expect(admits(client, say('ActionRecorded', client))?.message).toBe(
    'ActionRecorded e-1: service:shop speaks for loyalty, not for orders',
  )
})

test.each([
  ['RollbackProposed', 'proposedBy', 'operator'],
  ['ApprovalDenied', 'approver', 'approver'],
  ['GateOpened', 'openedBy', 'operator'],
  ['NoteAdded', 'author', 'operator'],
] as const)('%s names another person as %s only through the coordinator', (type, field, role) => {
  const over = { [field]: 'user:carl' }
  expect(admits(WHO.coordinator, say(type, WHO.coordinator, over))).toBeNull()
  expect(admits(WHO[role], say(type, WHO[role], over))?.message).toBe(
    `${type} e-1: it names user:carl as ${field}, and ${WHO[role].principal} signed it: sign with the key of user:carl, or ask through the coordinator`,
  )
})

test.each([
  ['roles', { roles: ['approver'] }],
  ['teams', { teams: ['payments'] }],
  ['a subject', { subject: 'ana' }],
  ['broken glass', { breakGlass: true }],
])('an approval is carried with %s by a coordinator only', (_, over) => {
  for (const role of ['operator', 'approver'] as const)
    expect(admits(WHO[role], say('ApprovalGranted', WHO[role], over))?.message).toContain('is no coordinator')
  expect(admits(WHO.coordinator, say('ApprovalGranted', WHO.coordinator, over))).toBeNull()
})

test('a key without a role may say nothing', () => {
  const nobody: Signer = { principal: 'nobody', roles: [], systems: ['orders'] }
  const admitted = (Object.keys(MAY) as EventType[]).filter(
    type => admits(nobody, say(type, nobody)) === null,
  )
  expect(admitted).toEqual([])
})
