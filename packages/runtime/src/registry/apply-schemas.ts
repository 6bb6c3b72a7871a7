import type { SchemaFile, TopicNames } from '@unwind/contracts'
import { type CheckedSchema, checkSubject } from './check-schemas.js'
import { SchemaRefused } from './errors.js'
import { RegistryClient, type RegistryOptions } from './registry-client.js'
import { pathOf, type SubjectFiles, subjectsOf } from './subjects.js'

export interface AppliedSchema {
  readonly file: string
  readonly subject: string
  readonly id: number
  /** False: it was there already. */
  readonly added: boolean
}

/** Subjects that are worked on at the same time. */
const CONCURRENCY = 6

/**
 * Registers every version of every event, in order, under FULL_TRANSITIVE. Idempotent. All are checked before any is
 * registered, so that a refusal leaves the registry as it was.
 * @throws SchemaRefused naming file, field and why, of every schema that cannot be registered.
 * @throws RegistryUnavailable
 */
export async function applySchemas(
  registry: RegistryOptions,
  topics: TopicNames,
  files?: readonly SchemaFile[],
): Promise<readonly AppliedSchema[]> {
  const client = new RegistryClient(registry)
  await client.assertHealthy()
  const subjects = subjectsOf(topics, files)
  const checked = await inTurns(subjects, subject => checkSubject(client, subject))
  const problems = checked.flat().flatMap(schema => schema.problems)
  if (problems.length > 0) throw new SchemaRefused(problems)
  const applied = await inTurns(subjects, (subject, i) => applySubject(client, subject, checked[i]!))
  return applied.flat()
}

async function applySubject(
  client: RegistryClient,
  { subject, files }: SubjectFiles,
  checked: readonly CheckedSchema[],
): Promise<readonly AppliedSchema[]> {
  await client.requireFullCompatibility(subject)
  const applied: AppliedSchema[] = []
  for (const [i, file] of files.entries()) {
    const known = checked[i]!.id
    const id = known ?? (await client.register(subject, file.schema))
    applied.push({ file: pathOf(file), subject, id, added: known === null })
  }
  return applied
}

async function inTurns<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!, i)
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker))
  return results
}
