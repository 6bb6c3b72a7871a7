import type { EventType } from '@unwind/contracts'
import type { EventSender } from '../events/sender.js'
import type { Failpoint } from './failpoint.js'

/** The word for an event in the names of failpoints. Events that are not here change nothing that a crash could tear. */
const WORD: Partial<Record<EventType, string>> = {
  RollbackProposed: 'proposed',
  ApprovalRequested: 'approval-requested',
  ApprovalGranted: 'approval-granted',
  RollbackRequested: 'requested',
  OperatorCommandIssued: 'command',
  EscalationRaised: 'escalation',
  EscalationDelivered: 'notice',
  RollbackClosed: 'closed',
  CompensationStarted: 'started',
  CompensationCompleted: 'completed',
  CompensationFailed: 'failed',
  StepParked: 'parked',
  SystemFenced: 'fenced',
  LateActionDetected: 'late',
}

/** A sender that passes `ledger.<word>.before` and `.after` with each event of the ledger. The order of calls stays. */
export function withFailpoints(sender: EventSender, failpoint: Failpoint): EventSender {
  return {
    async send(event, options) {
      const word = WORD[event.type]
      if (word === undefined) return sender.send(event, options)
      await failpoint(`ledger.${word}.before`)
      const at = await sender.send(event, options)
      await failpoint(`ledger.${word}.after`)
      return at
    },
    flush: () => sender.flush(),
    close: () => sender.close(),
  }
}
