import type { FieldDifference } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import type { Reply } from './connection.js'
import { type Failure, judgeAnswer } from './failures.js'

/** Text, or where the bytes are no UTF-8, what they are in base64. */
export function textOf(reply: Reply | undefined): string {
  if (reply === null || reply === undefined) return ''
  if (typeof reply === 'number') return String(reply)
  if (!Buffer.isBuffer(reply)) return JSON.stringify((reply as readonly Reply[]).map(textOf))
  const text = reply.toString('utf8')
  return Buffer.from(text, 'utf8').equals(reply) ? text : `base64:${reply.toString('base64')}`
}

/** What the scripts say of each field in the way: key, kind, field, before, after, current. */
export function differencesOf(reply: Reply | undefined): readonly FieldDifference[] {
  return ((reply ?? []) as readonly Reply[]).map(each => {
    const [key, kindBytes, field, before, after, current] = each as readonly Reply[]
    const kind = textOf(kindBytes)
    return {
      item: textOf(key),
      field: kind === 'ttl' || kind === 'type' ? `(${kind})` : textOf(field),
      before: jsonOf(kind, before),
      after: jsonOf(kind, after),
      current: jsonOf(kind, current),
    }
  })
}

function jsonOf(kind: string, value: Reply | undefined): string | null {
  if (value === null || value === undefined) return null
  if (kind === 'set') return 'true'
  if (kind === 'list' && Array.isArray(value)) return JSON.stringify((value as readonly Reply[]).map(textOf))
  const text = textOf(value)
  // Scores and moments of expiry are numbers to those who read a difference, except the infinite ones.
  const number = (kind === 'zset' || kind === 'ttl') && /^-?\d/.test(text)
  return number ? text : JSON.stringify(text)
}

/** Why a script did nothing, as a failure of the step. */
export function refusalOf(reply: readonly Reply[], work: StepWork): Failure {
  const [kind, subject, field] = reply.map(textOf)
  const where = `rollback ${work.rollbackId}, step ${work.stepId}`
  const refusal = (message: string, hint: string): Failure => ({
    code: 'contract',
    message: `${where}: ${message}; nothing was changed`,
    hint,
  })
  switch (kind) {
    case 'missing':
      return refusal(
        `the undo log has no images of action ${subject}`,
        'They expired, or the action was not written by capture. Undo it by hand, then resolve the step.',
      )
    case 'version':
      return refusal(
        `the images of action ${subject} were written by a newer version`,
        'Update the sidecar, then retry the step.',
      )
    case 'undeclared':
      return refusal(
        `key ${subject} of the undo log was not there when its keys were asked for`,
        'Retry the step.',
      )
    case 'number':
      return refusal(
        `${subject} ${field} is declared delta, and its images are no numbers of at most 15 digits`,
        'Take the field out of undo.delta, or undo the action by hand and resolve the step.',
      )
    case 'stale':
      return refusal(
        'first tried longer ago than effect records are kept (adapter.retention)',
        'See in Redis whether the first try had its effect; then resolve the step by hand.',
      )
    case 'undone': {
      const failure = judgeAnswer(subject ?? '')
      return { ...failure, message: `${where}: ${failure.message}; what was written was put back` }
    }
    case 'torn':
      return {
        code: 'unknown',
        message: `${where}: a write failed and could not be put back: ${subject}`,
        hint: 'See docs/how-to/redis.md for the permissions that are needed, and compare the keys of the step.',
      }
    default:
      return refusal(`Redis answered ${kind}`, 'The sidecar does not know this answer; report it.')
  }
}
