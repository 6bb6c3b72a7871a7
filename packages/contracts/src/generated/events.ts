// Generated from schemas/ by scripts/generate.mjs. Do not edit.

export interface ProposedStep {
  /** Whose step. */
  readonly system: string
  /** Event IDs of the actions that it would undo. */
  readonly actions: readonly string[]
  /** What it would do. */
  readonly description: string
  /** How to ask for it. */
  readonly command: string
}

export interface Approval {
  /** Principal that approved, e.g. "policy:default" or "user:ana". */
  readonly approver: string
  /** Hash of the one plan that this approval covers. */
  readonly planHash: string
  /** When it was granted. */
  readonly grantedAt: number
  /** After this moment the approval covers nothing. Null: does not expire. */
  readonly expiresAt: number | null
  /** Key that made the signature. */
  readonly keyId: string
  /** base64url Ed25519 signature over the approval statement. */
  readonly signature: string
}

export interface ActionReference {
  /** Event ID of the recorded action. */
  readonly actionId: string
  /** Name of the action in the system's contract. */
  readonly action: string
  /** What it acted on, e.g. "orders/1017". */
  readonly resource: string | null
  /** When it happened, by the recorder's clock. */
  readonly occurredAt: number
  /** JSON object: the identifiers that an undo needs. Keys, never images. */
  readonly data: string
}

export interface StepSnapshot {
  /** The step. */
  readonly stepId: string
  /** Its status when the event was emitted. */
  readonly status: string
  /** Its round. */
  readonly round: number
}

export interface FieldDifference {
  /** The row, document or key, e.g. "public.stock[order_no=1017]". */
  readonly item: string
  /** Column, JSON pointer or "" for the whole item. */
  readonly field: string
  /** Value before the action, as JSON text. */
  readonly before: string | null
  /** Value that the action left behind, as JSON text. */
  readonly after: string | null
  /** Value found now, as JSON text. */
  readonly current: string | null
}

export interface ReconciliationResult {
  /** The step. */
  readonly stepId: string
  /** The system. */
  readonly system: string
  /** Items seen restored. */
  readonly restored: number
  /** Items expected. */
  readonly expected: number
  /** What drifted. */
  readonly drift: readonly string[]
  /** Items in which newer data was kept on purpose; not among the restored ones. */
  readonly kept: number
  /** Digest of the state that was read. */
  readonly digest: string | null
  /** How it was read, e.g. "select by primary key". */
  readonly probe: string
  /** Why it could not be read; then the figures say nothing. */
  readonly problem: string | null
  /** What is not as the rollback left it. */
  readonly differences: readonly FieldDifference[]
}

export interface ReconciliationFinding {
  /** "stale-read" or "in-flight". */
  readonly kind: string
  /** The step that it concerns, if one. */
  readonly stepId: string | null
  /** What it is about; the same finding has the same subject. */
  readonly subject: string
  /** What is the matter. */
  readonly message: string
  /** Evidence, a line each. */
  readonly details: readonly string[]
}

export interface Part {
  /** Only actions of these names or with these IDs. Empty: all. */
  readonly actions: readonly string[]
  /** Only actions on these resources. Empty: on all. */
  readonly resources: readonly string[]
  /** Whoever asks knows that actions which build on the undone ones stay as they are. */
  readonly acceptsDependants: boolean
}

/** A system failed to do something under a correlation ID. */
export interface ActionFailed {
  /** Deterministic ID of the action; given by the recorder. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The system that acted. */
  readonly system: string
  /** Name of the action in the system's contract. */
  readonly action: string
  /** What it acted on, e.g. "orders/1017". */
  readonly resource: string | null
  /** When it happened, by the recorder's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that recorded and signed it. */
  readonly emitter: string
  /** Action or event that caused it; gives the order seen. */
  readonly causationId: string | null
  /** The system's own error code. */
  readonly code: string
  /** What happened. */
  readonly message: string
}

/** A system did something under a correlation ID that can be undone. */
export interface ActionRecorded {
  /** Deterministic ID of the action; given by the recorder. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The system that acted. */
  readonly system: string
  /** Name of the action in the system's contract. */
  readonly action: string
  /** What it acted on, e.g. "orders/1017". */
  readonly resource: string | null
  /** When it happened, by the recorder's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that recorded and signed it. */
  readonly emitter: string
  /** Action or event that caused it; gives the order seen. */
  readonly causationId: string | null
  /** JSON object: the identifiers that an undo needs. Keys, never images. */
  readonly data: string
  /** How many rows, documents or messages it changed. */
  readonly items: number
  /** Digest of the state that it left. */
  readonly digest: string | null
}

/** A coordinator has read a partition of the ledger up to here, and this is what it held. */
export interface LedgerCheckpointed {
  /** Deterministic ID: two coordinators that cut at the same place say the same. */
  readonly eventId: string
  /** The topic whose records it proves. */
  readonly topic: string
  /** Its partition. The record key is topic/partition. */
  readonly partition: number
  /** First offset of the range, in digits. */
  readonly fromOffset: string
  /** The offset after the range, in digits. */
  readonly nextOffset: string
  /** Records in the range. */
  readonly records: number
  /** First 8 bytes of the SHA-256 of each record, in order, base64url: what names the first bad record. */
  readonly recordHashes: string
  /** Hash chain over all records from the first checkpoint on, hexadecimal. */
  readonly chainHash: string
  /** Digest of the checkpoint before, hexadecimal. Null: the chain begins here. */
  readonly previous: string | null
  /** Key that signed it. */
  readonly keyId: string
  /** Ed25519 over digest and time, base64url, so that it proves itself outside the topic. */
  readonly signature: string
  /** When. */
  readonly occurredAt: number
  /** Principal. */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
}

/** A system's contract, in force from here on. */
export interface ContractPublished {
  /** Deterministic ID. */
  readonly eventId: string
  /** The system. Also the record key. */
  readonly system: string
  /** Semantic version. */
  readonly version: string
  /** SHA-256 of the document's canonical form, hex. */
  readonly hash: string
  /** The contract, canonical JSON. */
  readonly document: string
  /** When it was published. */
  readonly occurredAt: number
  /** Principal that published it. */
  readonly emitter: string
}

/** A sidecar process is up for a system. */
export interface SidecarAnnounced {
  /** Deterministic ID. */
  readonly eventId: string
  /** The system. */
  readonly system: string
  /** The process. The record key is system/instance. */
  readonly instance: string
  /** Contract that it acts by. */
  readonly contractVersion: string
  /** Its hash. */
  readonly contractHash: string
  /** Kind of adapter. */
  readonly adapter: string
  /** When. */
  readonly occurredAt: number
  /** Principal. */
  readonly emitter: string
}

/** Something is not as a rollback that has ended left it. Nothing is done about it by itself. */
export interface AnomalyDetected {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** "drift", "late-action", "duplicate", "stale-read" or "in-flight". */
  readonly kind: string
  /** The system. */
  readonly system: string
  /** The step that it concerns, if one. */
  readonly stepId: string | null
  /** What it is about; the same anomaly has the same subject. */
  readonly subject: string
  /** How the rollback had ended. */
  readonly endState: string
  /** What is the matter. */
  readonly message: string
  /** Evidence, a line each. */
  readonly details: readonly string[]
  /** The compensating step that a person may ask for. Null: none would help. */
  readonly proposal: ProposedStep | null
}

/** An authority denied the plan. */
export interface ApprovalDenied {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** Revision of the plan. */
  readonly revision: number
  /** The plan that was denied. */
  readonly planHash: string
  /** Who denied it. */
  readonly approver: string
  /** Why, for people. */
  readonly reason: string
}

/** An authority approved exactly one plan. */
export interface ApprovalGranted {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** Revision of the plan. */
  readonly revision: number
  /** The signed approval. */
  readonly approval: Approval
  /** Why, for people. */
  readonly reason: string
  /** Roles in which an authenticated person approved, as the coordinator that vouches for them saw them. Empty: those of the approver's own key. */
  readonly roles: readonly string[]
  /** Teams of that person. */
  readonly teams: readonly string[]
  /** That person at their identity provider, the same behind every name. Null: an own key. */
  readonly subject: string | null
  /** One person took the decision alone, for a short time; others are paged and review it. */
  readonly breakGlass: boolean
}

/** The plan is made and waits for people. Emitted only when the policy asks for approvals beyond its own. */
export interface ApprovalRequested {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** Revision of the plan, from 1. */
  readonly revision: number
  /** The frozen plan, canonical JSON. */
  readonly plan: string
  /** SHA-256 of the plan's bytes, hex. */
  readonly planHash: string
  /** How many approvals it needs. */
  readonly required: number
  /** Roles or principals that may give them. */
  readonly approvers: readonly string[]
  /** The policy rules that ask for it. */
  readonly because: readonly string[]
}

/** A separate read saw the state restored, or restored as far as a named actor chose. */
export interface CompensationCompleted {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The step of the plan. */
  readonly stepId: string
  /** The system that owns the step. */
  readonly system: string
  /** 0 at first; each operator retry or resolve opens the next round. */
  readonly round: number
  /** From 1, within the round. */
  readonly attempt: number
  /** "undone", "already-restored", "kept" or "merged". */
  readonly outcome: string
  /** Items that the probe saw restored. */
  readonly restored: number
  /** Items that the step was to restore. */
  readonly expected: number
  /** Digest of the state before the undo. */
  readonly fromDigest: string | null
  /** Digest of the state that the probe saw. */
  readonly toDigest: string | null
  /** How it was read back. */
  readonly probe: string
  /** From start to proof, milliseconds. */
  readonly durationMs: number
  /** What a person should know, e.g. fields kept because they are newer. */
  readonly notes: readonly string[]
}

/** An attempt did not end in proof. Says whether another follows. */
export interface CompensationFailed {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The step of the plan. */
  readonly stepId: string
  /** The system that owns the step. */
  readonly system: string
  /** 0 at first; each operator retry or resolve opens the next round. */
  readonly round: number
  /** From 1, within the round. */
  readonly attempt: number
  /** Failure code, closed list. */
  readonly code: string
  /** What happened. */
  readonly message: string
  /** What to do next. */
  readonly hint: string
  /** When the next attempt starts. Null: none follows by itself. */
  readonly retryAt: number | null
  /** Milliseconds. */
  readonly durationMs: number
}

/** Intent: the sidecar is about to act on its system for this step. */
export interface CompensationStarted {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The step of the plan. */
  readonly stepId: string
  /** The system that owns the step. */
  readonly system: string
  /** 0 at first; each operator retry or resolve opens the next round. */
  readonly round: number
  /** From 1, within the round. */
  readonly attempt: number
  /** The sidecar process. */
  readonly instance: string
  /** Contract that it acts by. */
  readonly contractVersion: string
}

/** Somebody took the alarm. */
export interface EscalationAcknowledged {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The alarm. */
  readonly escalationId: string
  /** Who. */
  readonly actor: string
  /** What they say. */
  readonly reason: string
}

/** One notice of an alarm reached a channel, or was refused by it for good. */
export interface EscalationDelivered {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The alarm. */
  readonly escalationId: string
  /** Names this notice within its alarm, e.g. "trigger/pager/0.0"; once delivered it is never sent again. */
  readonly notice: string
  /** "trigger", "acknowledge" or "resolve". */
  readonly action: string
  /** Channel, by its name in the coordinator's configuration. */
  readonly channel: string
  /** Whom it was for. */
  readonly recipients: readonly string[]
  /** Key by which the channel takes repetitions for one. */
  readonly dedupKey: string
  /** "delivered", or "refused": the channel will not take it, however often it is tried. */
  readonly outcome: string
  /** Attempts in all. */
  readonly attempts: number
  /** What the channel said. */
  readonly detail: string | null
  /** When it was to be sent. */
  readonly dueAt: number
}

/** An alarm that somebody with authority must acknowledge. */
export interface EscalationRaised {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The alarm. */
  readonly escalationId: string
  /** "not-consumed", "stuck", "blocked", "waiting-for-person", "absent", "late-action" or "unauthorised". */
  readonly kind: string
  /** "warning" or "critical". */
  readonly severity: string
  /** The step. */
  readonly stepId: string | null
  /** The system. */
  readonly system: string | null
  /** Whom the contract names. */
  readonly owner: string | null
  /** What is the matter. */
  readonly message: string
  /** What to do next. */
  readonly hint: string
  /** The deadline that passed. */
  readonly dueAt: number
}

/** A gate between tiers was opened. */
export interface GateOpened {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The gate. */
  readonly gateId: string
  /** Who or what opened it. */
  readonly openedBy: string
  /** Why. */
  readonly reason: string
}

/** A system holds actions under this correlation ID that the plan does not name. */
export interface LateActionDetected {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The system. */
  readonly system: string
  /** The actions. */
  readonly actions: readonly ActionReference[]
  /** "arrival" (its own undo log, when the request came), "fence" or "relay". */
  readonly detectedBy: string
}

/** A person writes into the timeline. */
export interface NoteAdded {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** Who. */
  readonly author: string
  /** What. */
  readonly text: string
}

/** A person stepped in. Carries all that a parked rollback needs to go on, so that nothing has to hold an offset back. */
export interface OperatorCommandIssued {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** "pause", "resume", "retry", "skip", "resolve" or "abort". */
  readonly command: string
  /** The step that it is about. Null: the whole rollback. */
  readonly stepId: string | null
  /** Who. */
  readonly actor: string
  /** Why. */
  readonly reason: string
  /** Link or text that backs a resolve. */
  readonly evidence: string | null
  /** For resolve: "keep", "force", "merge" or "manual". */
  readonly resolution: string | null
  /** Revision of the plan that it was issued against. */
  readonly revision: number
  /** That plan, canonical JSON. */
  readonly plan: string
  /** Its hash. */
  readonly planHash: string
  /** The authority for that plan. */
  readonly approvals: readonly Approval[]
  /** Where each step stood. */
  readonly steps: readonly StepSnapshot[]
}

/** A system has read back again what its steps restored. */
export interface ReconciliationReported {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** Who or what asked. */
  readonly requestedBy: string
  /** The system that read. */
  readonly system: string | null
  /** One a step. */
  readonly results: readonly ReconciliationResult[]
  /** What else the system saw in its target. */
  readonly findings: readonly ReconciliationFinding[]
}

/** Every system of the plan is to read its state back again. Nothing is changed by it. */
export interface ReconciliationRequested {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** Who or what asked: a person, or "schedule:<name>". */
  readonly requestedBy: string
  /** Why, for people. */
  readonly reason: string
  /** 1, and one more for each supplement. A later revision keeps every started step unchanged. */
  readonly revision: number
  /** The frozen plan, canonical JSON. */
  readonly plan: string
  /** SHA-256 of the plan's bytes, hex. */
  readonly planHash: string
}

/** The end of a rollback; never green by default. */
export interface RollbackClosed {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** RESTORED_VERIFIED, RESTORED_UNVERIFIED, PARTIAL, DISCREPANCY_SURFACED or ABANDONED. */
  readonly endState: string
  /** Items that probes saw restored. */
  readonly restored: number
  /** Items that the plan was to restore. */
  readonly expected: number
  /** From request to the last outcome, milliseconds. */
  readonly durationMs: number
  /** What is not as it was, and why. */
  readonly remaining: readonly string[]
}

/** Somebody or something asks that a correlation ID be rolled back. Changes nothing by itself. */
export interface RollbackProposed {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** Scope: only these systems. Empty: every system that acted. */
  readonly systems: readonly string[]
  /** Why, for people. */
  readonly reason: string
  /** Incident class that selects a playbook. */
  readonly incidentClass: string | null
  /** "manual", "service", "threshold", "hook" or "late-action". */
  readonly trigger: string
  /** The person or service that asks. */
  readonly proposedBy: string
  /** Rollback that this one completes, when late actions appeared after its end. */
  readonly supplements: string | null
  /** Which part of what the systems did. Null: all of it. */
  readonly part: Part | null
  /** Release (deployment) whose failure this rolls back, e.g. "shop 4.2.0". */
  readonly release: string | null
}

/** The frozen plan with the authority for it. From here the sidecars run alone. */
export interface RollbackRequested {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** 1, and one more for each supplement. A later revision keeps every started step unchanged. */
  readonly revision: number
  /** The frozen plan, canonical JSON. */
  readonly plan: string
  /** SHA-256 of the plan's bytes, hex. */
  readonly planHash: string
  /** The chain of authority for exactly this plan. */
  readonly approvals: readonly Approval[]
  /** The person or service that proposed it. */
  readonly requestedBy: string
  /** Name and version of the policy that admitted it. */
  readonly policy: string
  /** Where each step of the earlier revision stood. Empty at revision 1. */
  readonly steps: readonly StepSnapshot[]
}

/** The step waits for a person; branches that do not depend on it go on. */
export interface StepParked {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The step of the plan. */
  readonly stepId: string
  /** The system that owns the step. */
  readonly system: string
  /** 0 at first; each operator retry or resolve opens the next round. */
  readonly round: number
  /** Failure code, closed list. */
  readonly code: string
  /** What happened. */
  readonly message: string
  /** What to do next. */
  readonly hint: string
  /** For conflicts: field by field. */
  readonly differences: readonly FieldDifference[]
}

/** This system no longer lets the correlation ID act unnoticed. Emitted only for plans with a barrier. */
export interface SystemFenced {
  /** Deterministic ID; a fold ignores an ID that it has seen. */
  readonly eventId: string
  /** The business transaction. Also the record key. */
  readonly correlationId: string
  /** The rollback. */
  readonly rollbackId: string
  /** When it was emitted, by the emitter's clock. Never used for order. */
  readonly occurredAt: number
  /** Principal that emitted and signed it, e.g. "sidecar:orders". */
  readonly emitter: string
  /** Event ID of what caused it. */
  readonly causationId: string | null
  /** The system. */
  readonly system: string
  /** Revision of the plan that it answers. */
  readonly revision: number
}

/** The current version of every event, by name. */
export interface EventMap {
  ActionFailed: ActionFailed
  ActionRecorded: ActionRecorded
  LedgerCheckpointed: LedgerCheckpointed
  ContractPublished: ContractPublished
  SidecarAnnounced: SidecarAnnounced
  AnomalyDetected: AnomalyDetected
  ApprovalDenied: ApprovalDenied
  ApprovalGranted: ApprovalGranted
  ApprovalRequested: ApprovalRequested
  CompensationCompleted: CompensationCompleted
  CompensationFailed: CompensationFailed
  CompensationStarted: CompensationStarted
  EscalationAcknowledged: EscalationAcknowledged
  EscalationDelivered: EscalationDelivered
  EscalationRaised: EscalationRaised
  GateOpened: GateOpened
  LateActionDetected: LateActionDetected
  NoteAdded: NoteAdded
  OperatorCommandIssued: OperatorCommandIssued
  ReconciliationReported: ReconciliationReported
  ReconciliationRequested: ReconciliationRequested
  RollbackClosed: RollbackClosed
  RollbackProposed: RollbackProposed
  RollbackRequested: RollbackRequested
  StepParked: StepParked
  SystemFenced: SystemFenced
}
