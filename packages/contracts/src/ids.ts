/**
 * Deterministic event IDs. An ID derives from what the event is about, never from the attempt to send it, so
 * that an emitter that was killed, paused or doubled says the same thing under the same ID, and every fold
 * can ignore an ID that it has seen (design decision 4). They are readable on purpose: people see them in `tail`.
 */
export const eventIds = {
  proposed: (rollbackId: string) => `${rollbackId}/proposed`,
  approvalRequested: (rollbackId: string, revision: number) =>
    `${rollbackId}/approval-requested/r${revision}`,
  approvalGranted: (rollbackId: string, revision: number, approver: string) =>
    `${rollbackId}/approved/r${revision}/${approver}`,
  approvalDenied: (rollbackId: string, revision: number, approver: string) =>
    `${rollbackId}/denied/r${revision}/${approver}`,
  requested: (rollbackId: string, revision: number) => `${rollbackId}/requested/r${revision}`,
  started: (rollbackId: string, stepId: string, round: number, attempt: number) =>
    `${rollbackId}/${stepId}/started/${round}.${attempt}`,
  completed: (rollbackId: string, stepId: string, round: number) =>
    `${rollbackId}/${stepId}/completed/${round}`,
  failed: (rollbackId: string, stepId: string, round: number, attempt: number) =>
    `${rollbackId}/${stepId}/failed/${round}.${attempt}`,
  /** @param n counts the notes of one attempt, from 1. */
  stepNote: (rollbackId: string, stepId: string, round: number, attempt: number, n: number) =>
    `${rollbackId}/${stepId}/note/${round}.${attempt}/${n}`,
  parked: (rollbackId: string, stepId: string, round: number) => `${rollbackId}/${stepId}/parked/${round}`,
  fenced: (rollbackId: string, system: string, revision: number) =>
    `${rollbackId}/fenced/${system}/r${revision}`,
  /** A revision after the end has its gates closed again: who opens one then says something new. */
  gateOpened: (rollbackId: string, gateId: string, revision = 1) =>
    `${rollbackId}/gate-opened/${gateId}${revision === 1 ? '' : `/r${revision}`}`,
  /** @param digest of the action IDs, so that the same finding has the same ID and a new one has another. */
  lateAction: (rollbackId: string, system: string, digest: string) =>
    `${rollbackId}/late/${system}/${digest}`,
  /** @param reopenedBy revision that opened the rollback again after an end; 1: none. What stalls then, stalls anew. */
  escalation: (rollbackId: string, kind: string, subject: string, round: number, reopenedBy = 1) =>
    `${rollbackId}/escalation/${kind}/${subject}/${round}${reopenedBy === 1 ? '' : `/r${reopenedBy}`}`,
  /** @param notice names the notice within its alarm. */
  escalationDelivered: (escalationId: string, notice: string) => `${escalationId}/notice/${notice}`,
  /** @param digest of the checkpoint: the same place and the same records give the same one. */
  checkpoint: (topic: string, partition: number, nextOffset: bigint, digest: string) =>
    `${topic}/${partition}/checkpoint/${nextOffset}/${digest.slice(0, 16)}`,
  /** @param name of the look: the same name is the same request. */
  reconcile: (rollbackId: string, revision: number, name: string) =>
    `${rollbackId}/reconcile/r${revision}/${name}`,
  /** @param requestId event ID of the request: each system answers it once. */
  reconciled: (requestId: string, system: string) => `${requestId}/${system}`,
  /** @param digest of what it is about, so that an anomaly that lasts is said once. */
  anomaly: (rollbackId: string, revision: number, kind: string, system: string, digest: string) =>
    `${rollbackId}/anomaly/r${revision}/${kind}/${system}/${digest.slice(0, 16)}`,
  /**
   * @param holder the rollback that is in the way.
   * @param turn of its waits: one that is in the way a second time, after another one, is told a second time.
   */
  waitsForClaim: (rollbackId: string, holder: string, turn = 1) =>
    turn === 1 ? `${rollbackId}/waits-for-claim/${holder}` : `${rollbackId}/waits-again/${turn}/${holder}`,
  closed: (rollbackId: string, revision: number) => `${rollbackId}/closed/r${revision}`,
} as const

/** The revision whose end an event ID of `eventIds.closed` names; 0: none. */
export function closedRevision(eventId: string): number {
  return Number(/\/closed\/r(\d{1,9})$/.exec(eventId)?.[1] ?? 0)
}

/** For whom the rollback waits, and in which turn, from an event ID of `eventIds.waitsForClaim`; null: it is another one's. */
export function claimWait(
  eventId: string,
  rollbackId: string,
): { readonly holder: string; readonly turn: number } | null {
  if (!eventId.startsWith(`${rollbackId}/`)) return null
  const [, first, turn, again] =
    /^(?:waits-for-claim\/(.+)|waits-again\/(\d{1,9})\/(.+))$/s.exec(eventId.slice(rollbackId.length + 1)) ??
    []
  if (first !== undefined) return { holder: first, turn: 1 }
  return again === undefined ? null : { holder: again, turn: Number(turn) }
}

/** Idempotency key of a step towards its target: the step, never the attempt: a retry with another key would act twice. */
export function idempotencyKey(rollbackId: string, stepId: string): string {
  return `${rollbackId}/${stepId}`
}

const ROLLBACK_ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A new rollback's ID: "rb-", 9 characters of time and 8 random ones. Sorts by time, short enough to read aloud.
 * @param now epoch ms.
 * @param random at least 8 bytes.
 */
export function newRollbackId(now: number, random: Uint8Array): string {
  let time = ''
  for (let rest = now, i = 0; i < 9; i++, rest = Math.floor(rest / 32))
    time = ROLLBACK_ID_ALPHABET[rest % 32] + time
  const tail = Array.from(random.subarray(0, 8), byte => ROLLBACK_ID_ALPHABET[byte % 32]).join('')
  return `rb-${time}${tail}`
}
