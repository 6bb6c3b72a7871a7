import type { UnwindEvent } from '@unwind/contracts'
import { expect, test } from 'vitest'
import type { EventSender } from '../events/sender.js'
import { withFailpoints } from './around-sender.js'
import { COORDINATOR_FAILPOINTS, SIDECAR_FAILPOINTS } from './names.js'

const EVENTS = [
  'RollbackProposed',
  'ApprovalRequested',
  'ApprovalGranted',
  'RollbackRequested',
  'OperatorCommandIssued',
  'EscalationRaised',
  'EscalationDelivered',
  'RollbackClosed',
  'CompensationStarted',
  'CompensationCompleted',
  'CompensationFailed',
  'StepParked',
  'SystemFenced',
  'LateActionDetected',
] as const

function sender(log: string[]): EventSender {
  return {
    async send(event) {
      log.push(event.type)
      return { topic: 't', partition: 0, offset: 0n }
    },
    flush: async () => undefined,
    close: async () => undefined,
  }
}
const event = (type: string) => ({ type, data: {} }) as UnwindEvent

test('a failpoint stands before and after each write, and every listed one is passed', async () => {
  const log: string[] = []
  const watched = withFailpoints(sender(log), async name => void log.push(name))
  for (const type of EVENTS) await watched.send(event(type))
  const listed = [...SIDECAR_FAILPOINTS, ...COORDINATOR_FAILPOINTS].filter(name => name.startsWith('ledger.'))
  expect(log.filter(line => line.startsWith('ledger.')).sort()).toEqual([...new Set(listed)].sort())
  expect(log.slice(0, 3)).toEqual(['ledger.proposed.before', 'RollbackProposed', 'ledger.proposed.after'])
})

test('events that are not of the ledger pass without, and the order of calls stays', async () => {
  const log: string[] = []
  const watched = withFailpoints(sender(log), async () => undefined)
  const types = ['CompensationStarted', 'CompensationCompleted', 'RollbackClosed'] as const
  await Promise.all(types.map(type => watched.send(event(type))))
  await watched.send(event('ActionRecorded'))
  expect(log).toEqual([...types, 'ActionRecorded'])
})
