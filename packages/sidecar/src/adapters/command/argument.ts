import { compileTemplate, renderText, type Scope, type Template, TemplateError } from '../http/template.js'

/**
 * Arguments that come from recorded data. Each has a type, because a program that parses its own command line is the
 * oldest way to be told something else than was meant: no value may look like an option, end a line or end a string.
 */
type Check = (value: string) => string | null

export interface Argument {
  readonly template: Template
  readonly type: ArgumentType
  readonly check: Check
}

export type ArgumentType = 'text' | 'integer' | 'decimal' | 'boolean' | 'uuid' | 'date' | 'choice'

const KEYS: Readonly<Record<ArgumentType, readonly string[]>> = {
  text: ['pattern', 'max'],
  integer: ['min', 'max'],
  decimal: ['signed'],
  boolean: [],
  uuid: [],
  date: [],
  choice: ['of'],
}
const TYPES = Object.keys(KEYS) as ArgumentType[]
const EXAMPLE = '{ value: "{entryNo}", type: integer }'
const LONGEST = 4_096
const DEFAULT_LENGTH = 256

/**
 * Compiles `{ value, type, … }` of a contract.
 * @throws TemplateError saying what was expected.
 */
export function compileArgument(source: unknown): Argument {
  if (typeof source !== 'object' || source === null || Array.isArray(source))
    throw new TemplateError(`expected an argument with its type, such as ${EXAMPLE}`)
  const { value, type, ...rest } = source as Record<string, unknown>
  if (typeof value !== 'string' || value === '')
    throw new TemplateError(`expected "value", such as in ${EXAMPLE}`)
  if (!TYPES.includes(type as ArgumentType))
    throw new TemplateError(`expected "type" to be one of ${TYPES.join(', ')}`)
  const known = KEYS[type as ArgumentType]
  const unknown = Object.keys(rest).filter(key => !known.includes(key))
  if (unknown.length > 0)
    throw new TemplateError(
      `an argument of type ${type} has no ${unknown.join(', ')}${known.length > 0 ? `; it may have ${known.join(', ')}` : ''}`,
    )
  return {
    template: compileTemplate(value),
    type: type as ArgumentType,
    check: CHECKS[type as ArgumentType](rest),
  }
}

/**
 * The argument as the program gets it.
 * @throws TemplateError when the recorded value does not have the declared type, or could be taken for an option.
 */
export function renderArgument({ template, type, check }: Argument, scope: Scope): string {
  const value = renderText(template, scope)
  const problem = check(value)
  if (problem !== null)
    throw new TemplateError(
      `argument ${JSON.stringify(template.source)} (${type}) is ${JSON.stringify(value.slice(0, 80))}: ${problem}`,
    )
  return value
}

const CHECKS: Readonly<Record<ArgumentType, (options: Record<string, unknown>) => Check>> = {
  text: textCheck,
  integer: integerCheck,
  decimal({ signed = false }) {
    if (typeof signed !== 'boolean') throw new TemplateError('expected "signed" to be true or false')
    const form = signed ? /^-?\d{1,64}(\.\d{1,64})?$/ : /^\d{1,64}(\.\d{1,64})?$/
    return value => (form.test(value) ? null : `expected a decimal number${signed ? '' : ' without a sign'}`)
  },
  boolean: () => value => (value === 'true' || value === 'false' ? null : 'expected true or false'),
  uuid: () => value =>
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? null : 'expected a UUID',
  date: () => value =>
    /^\d{4}-\d{2}-\d{2}$/.test(value) && isDay(value) ? null : 'expected a date such as 2026-01-31',
  choice({ of }) {
    if (!Array.isArray(of) || of.length === 0 || !of.every(item => typeof item === 'string' && item !== ''))
      throw new TemplateError('an argument of type choice needs "of", a list of texts')
    const bad = of.map(item => unsafe(item)).find(problem => problem !== null)
    if (bad) throw new TemplateError(`"of" holds a text that ${bad}`)
    return value => (of.includes(value) ? null : `expected one of ${of.join(', ')}`)
  },
}

/** Parsers let 31 February be 3 March. */
function isDay(value: string): boolean {
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value)
}

function textCheck({ pattern, max = DEFAULT_LENGTH }: Record<string, unknown>): Check {
  if (typeof max !== 'number' || !Number.isInteger(max) || max < 1 || max > LONGEST)
    throw new TemplateError(`expected "max" to be a length from 1 to ${LONGEST}`)
  const form = pattern === undefined ? null : compilePattern(pattern)
  return value => {
    if (value === '') return 'it is empty'
    if (value.length > max) return `it is longer than ${max} characters`
    const problem = unsafe(value)
    if (problem) return `it ${problem}`
    return form === null || form.test(value) ? null : `it does not match ${String(pattern)}`
  }
}

/** "-" begins an option also behind "--" for programs that never heard of it, as scripts often have not. */
function unsafe(value: string): string | null {
  if (value.startsWith('-')) return 'looks like an option'
  // Line ends in every script's sense, and what makes a terminal or a log show something else than is there.
  if (/[\p{Cc}\u2028\u2029]/u.test(value)) return 'holds NUL, a line break or another control character'
  return /\p{Cs}/u.test(value) ? 'holds half a surrogate pair' : null
}

function compilePattern(pattern: unknown): RegExp {
  if (typeof pattern !== 'string' || pattern === '' || pattern.length > 200)
    throw new TemplateError('expected "pattern" to be a regular expression, as text')
  try {
    return new RegExp(`^(?:${pattern})$`, 'u')
  } catch (error) {
    throw new TemplateError(`"pattern" is not a regular expression: ${(error as Error).message}`)
  }
}

function integerCheck(options: Record<string, unknown>): Check {
  const bound = (name: 'min' | 'max', otherwise: bigint | null) => {
    const value = options[name]
    if (value === undefined) return otherwise
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
    throw new TemplateError(`expected "${name}" to be an integer`)
  }
  // A minus sign is let through only where the owner says that the number may be negative.
  const min = bound('min', 0n) ?? 0n
  const max = bound('max', null)
  return value => {
    if (!/^-?(0|[1-9]\d{0,63})$/.test(value)) return 'expected an integer'
    const number = BigInt(value)
    if (number < min) return `it is below ${min}`
    return max !== null && number > max ? `it is above ${max}` : null
  }
}
