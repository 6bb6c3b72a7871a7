import type { z } from 'zod'
import { canonicalJson, type Json } from '../plan/canonical-json.js'
import { hashText } from '../plan/plan.js'
import { type Contract, contractSchema } from './contract.js'
import { ContractInvalid, type ContractProblem } from './contract-invalid.js'
import { excess } from './excess.js'
import { interpolate, type Lookup } from './interpolation.js'
import { keysAt, nearest } from './suggestion.js'
import { type KeyPath, type Location, readYaml } from './yaml-source.js'

export interface ParsedContract {
  /** Variables replaced, defaults filled in, durations in milliseconds. For the process at hand: it may hold secrets. */
  readonly contract: Contract
  /** What is published: the file's content as canonical JSON, variables as they stand in the file. */
  readonly document: string
  /** SHA-256 of `document`, hex. */
  readonly hash: string
  /** Where a value stands in the file, for errors of whoever checks the adapter's part. */
  locate(path: KeyPath): Location
}

export interface ParseContractOptions {
  /** Values of `${NAME}`. Absent: they stay unreplaced, for checking and publishing. */
  readonly lookup?: Lookup
}

/**
 * Reads a contract file.
 * @param file its name, for errors.
 * @throws ContractInvalid with every problem: file, line, column, key, what was expected.
 */
export function parseContract(
  text: string,
  file: string,
  options: ParseContractOptions = {},
): ParsedContract {
  const tooMuch = excess(text)
  if (tooMuch) throw invalid([{ file, line: 1, column: 1, key: '', message: tooMuch }])
  const source = readYaml(text)
  const problems: ContractProblem[] = source.problems.map(({ line, column, message }) => ({
    file,
    line,
    column,
    key: '',
    message,
  }))
  const add = (path: KeyPath, message: string, at: 'key' | 'value' = 'value') =>
    problems.push({ file, ...source.locate(path, at), key: keyText(path), message })
  if (source.problems.some(problem => !problem.recoverable)) throw invalid(problems)
  if (source.value === null) {
    add([], 'is empty: expected a contract')
    throw invalid(problems)
  }
  const fractional = fractions(source.value, [])
  for (const path of fractional)
    add(path, 'is not a whole number that every language reads alike: write it as text, in quotes')
  const replaced = interpolate(source.value, options.lookup ?? null)
  for (const problem of replaced.problems) add(problem.path, problem.message)
  const result = contractSchema.safeParse(replaced.value)
  const said = new Set(fractional.map(keyText))
  for (const issue of result.error?.issues ?? [])
    if (!said.has(keyText(issue.path))) addIssue(issue, replaced.value, add)
  if (problems.length > 0 || !result.success) throw invalid(problems)
  const document = canonicalJson(source.value as Json)
  return { contract: result.data, document, hash: hashText(document), locate: path => source.locate(path) }
}

/**
 * Reads a contract that was published. Variables of its adapter stay unreplaced.
 * @throws ContractInvalid when the document is not the one that was hashed, or is no contract.
 */
export function readPublishedContract(document: string, hash: string): Contract {
  const name = `published contract ${hash.slice(0, 12)}`
  const refuse = (message: string) =>
    new ContractInvalid([{ file: name, line: 1, column: 1, key: '', message }])
  const tooMuch = excess(document)
  if (tooMuch) throw refuse(tooMuch)
  const actual = hashText(document)
  if (actual !== hash) throw refuse(`its document hashes to ${actual}`)
  // Canonical JSON is YAML, but a stranger's YAML can take minutes to read.
  if (!isCanonicalJson(document)) throw refuse('its document is not canonical JSON')
  return parseContract(document, name).contract
}

function isCanonicalJson(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text) as Json) === text
  } catch {
    return false
  }
}

/** Finding the place of each and a word that was meant takes time, and nobody reads thousands. */
const NAMED_AT_ONCE = 20

type Add = (path: KeyPath, message: string, at?: 'key' | 'value') => void

function addIssue(issue: z.core.$ZodIssue, input: unknown, add: Add): void {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(contractSchema, issue.path)
    for (const key of issue.keys.slice(0, NAMED_AT_ONCE)) {
      const meant = nearest(key, known)
      const hint = meant ? `did you mean "${meant}"?` : `expected one of ${known.join(', ')}`
      add([...issue.path, key], `is not a key of a contract here: ${hint}`, 'key')
    }
    const more = issue.keys.length - NAMED_AT_ONCE
    if (more > 0) add(issue.path, `has ${more} more keys that are none of a contract`)
    return
  }
  if (issue.code === 'invalid_key') add(issue.path, issue.issues.map(expectation).join('; '), 'key')
  else if (valueAt(input, issue.path) === undefined) add(issue.path, `is missing: ${expectation(issue)}`)
  else add(issue.path, expectation(issue))
}

/** The library's wording, without its lead-in, so that all messages read alike. */
function expectation(issue: z.core.$ZodIssue): string {
  const text = issue.message
    .replace(/^Invalid (?:input|option): /, '')
    .replace(/^./, first => first.toLowerCase())
  return issue.code === 'invalid_type' && issue.expected === 'string' && /received number/.test(text)
    ? `${text}: put it in quotes`
    : text
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce(
    (at: unknown, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  )
}

/** Numbers that have no canonical text. */
function fractions(value: unknown, path: KeyPath): readonly KeyPath[] {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? [] : [path]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    fractions(item, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}

function keyText(path: KeyPath): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  )
}

function invalid(problems: readonly ContractProblem[]): ContractInvalid {
  return new ContractInvalid([...problems].sort((a, b) => a.line - b.line || a.column - b.column))
}
