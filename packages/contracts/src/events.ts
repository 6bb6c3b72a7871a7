import type { EventMap } from './generated/events.js'
import { SCHEMA_FILES } from './generated/schemas.js'

export type * from './generated/events.js'
export type EventType = keyof EventMap

/** An event in memory: always the current version; older ones are upcast when they are read. */
export type EventOf<T extends EventType> = {
  readonly [K in T]: { readonly type: K; readonly data: EventMap[K] }
}[T]

/** What the ledger (the rollback topic) holds. */
export type LedgerEventType =
  | 'RollbackProposed'
  | 'ApprovalRequested'
  | 'ApprovalGranted'
  | 'ApprovalDenied'
  | 'RollbackRequested'
  | 'CompensationStarted'
  | 'CompensationCompleted'
  | 'CompensationFailed'
  | 'StepParked'
  | 'GateOpened'
  | 'OperatorCommandIssued'
  | 'SystemFenced'
  | 'LateActionDetected'
  | 'ReconciliationRequested'
  | 'ReconciliationReported'
  | 'AnomalyDetected'
  | 'EscalationRaised'
  | 'EscalationAcknowledged'
  | 'EscalationDelivered'
  | 'RollbackClosed'
  | 'NoteAdded'
export type ActionEventType = 'ActionRecorded' | 'ActionFailed'
export type ContractEventType = 'ContractPublished' | 'SidecarAnnounced'
export type CheckpointEventType = 'LedgerCheckpointed'

export type LedgerEvent = EventOf<LedgerEventType>
export type ActionEvent = EventOf<ActionEventType>
export type ContractEvent = EventOf<ContractEventType>
export type CheckpointEvent = EventOf<CheckpointEventType>
export type UnwindEvent = EventOf<EventType>

/** Where a record lies: the only order that counts. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** An event together with where it lies in the log. */
export interface Recorded<E extends UnwindEvent = UnwindEvent> {
  readonly event: E
  readonly position: Position
}

const CATEGORY = new Map(SCHEMA_FILES.map(file => [file.name, file.topic as TopicCategory]))
export type TopicCategory = 'actions' | 'rollback' | 'contracts' | 'checkpoints'

/** The category (folder under schemas/) that an event belongs to. */
export function categoryOf(type: EventType): TopicCategory {
  return CATEGORY.get(type)!
}

export function isEventType(name: string): name is EventType {
  return CATEGORY.has(name)
}

/** The record key of an event: what decides its partition, and with it, its order. */
export function keyOf(event: UnwindEvent): string {
  switch (event.type) {
    case 'ContractPublished':
      return event.data.system
    case 'SidecarAnnounced':
      return `${event.data.system}/${event.data.instance}`
    case 'LedgerCheckpointed':
      return `${event.data.topic}/${event.data.partition}`
    default:
      return event.data.correlationId
  }
}
