import { canonicalJson } from '@unwind/contracts'

/** What an undo needs to find its target again. Flat: identifiers, never images of rows or documents. */
export type Identifiers = Readonly<Record<string, string | number | boolean>>

/** UTF-8 bytes of `data` as JSON. An action carries keys; what is larger is not a key. */
export const MAX_DATA_BYTES = 16 * 1024

/** A value that cannot be recorded. Nothing was sent. */
export class InvalidAction extends TypeError {
  override readonly name = 'InvalidAction'
  constructor(
    /** Where, e.g. "data.amount". */
    readonly path: string,
    message: string,
  ) {
    super(`${path}: ${message}`)
  }
}

/**
 * The canonical JSON of an action's identifiers.
 * @throws InvalidAction naming the path of a value that is no identifier, or the size when it is above the limit.
 */
export function identifiersText(data: Identifiers): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new InvalidAction('data', `expected an object of identifiers, got ${kindOf(data)}`)
  for (const [key, value] of Object.entries(data)) checkIdentifier(`data.${key}`, value)
  const text = canonicalJson(data)
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_DATA_BYTES)
    throw new InvalidAction(
      'data',
      `${bytes} bytes are more than ${MAX_DATA_BYTES}; record the identifiers that the undo needs, not what they identify`,
    )
  return text
}

function checkIdentifier(path: string, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return
    // A fraction's text differs between languages, and the undo would compare texts.
    throw new InvalidAction(
      path,
      `${value} is not a safe integer; send fractions and larger numbers as strings`,
    )
  }
  throw new InvalidAction(path, `expected a string, an integer or a boolean, got ${kindOf(value)}`)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : typeof value
}

/**
 * @returns the text itself.
 * @throws InvalidAction when it is empty, longer than `max` UTF-16 units, or no Unicode text.
 */
export function required(path: string, value: unknown, max = 512): string {
  if (typeof value !== 'string') throw new InvalidAction(path, `expected a string, got ${kindOf(value)}`)
  if (value.trim() === '') throw new InvalidAction(path, 'must not be empty')
  if (value.length > max) throw new InvalidAction(path, `${value.length} characters are more than ${max}`)
  if (/\p{Cs}/u.test(value)) throw new InvalidAction(path, 'holds half a surrogate pair')
  return value
}

/**
 * A name that databases, logs and terminals see: as `required`, and without control characters.
 * @throws InvalidAction
 */
export function requiredName(path: string, value: unknown, max = 512): string {
  const text = required(path, value, max)
  if (/\p{Cc}/u.test(text)) throw new InvalidAction(path, 'holds a control character')
  return text
}
