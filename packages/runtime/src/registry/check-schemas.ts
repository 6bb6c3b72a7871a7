import type { SchemaFile, TopicNames } from '@unwind/contracts'
import { incompatibilities } from './compatibility.js'
import { type RegisteredVersion, RegistryClient, type RegistryOptions } from './registry-client.js'
import { pathOf, type SubjectFiles, subjectsOf } from './subjects.js'

export interface CheckedSchema {
  readonly file: string
  readonly subject: string
  /** registered: the registry has it · new: it may be registered · refused: it may not, see `problems`. */
  readonly state: 'registered' | 'new' | 'refused'
  /** Registry's ID. Null: not registered. */
  readonly id: number | null
  /** Each names file, field and why. */
  readonly problems: readonly string[]
}

export interface SchemaCheck {
  readonly ok: boolean
  readonly schemas: readonly CheckedSchema[]
  readonly problems: readonly string[]
}

/**
 * Compares every schema file with the registry and with all earlier versions, and registers nothing.
 * @throws RegistryUnavailable
 */
export async function checkSchemas(
  registry: RegistryOptions,
  topics: TopicNames,
  files?: readonly SchemaFile[],
): Promise<SchemaCheck> {
  const client = new RegistryClient(registry)
  await client.assertHealthy()
  const schemas: CheckedSchema[] = []
  for (const subject of subjectsOf(topics, files)) schemas.push(...(await checkSubject(client, subject)))
  const problems = schemas.flatMap(schema => schema.problems)
  return { ok: problems.length === 0, schemas, problems }
}

export async function checkSubject(
  client: RegistryClient,
  { subject, files }: SubjectFiles,
): Promise<readonly CheckedSchema[]> {
  const registered = await client.versions(subject)
  return Promise.all(
    files.map(async (file, i): Promise<CheckedSchema> => {
      const path = pathOf(file)
      const id = await client.idOf(subject, file.schema)
      if (id !== null) return { file: path, subject, state: 'registered', id, problems: [] }
      const problems = [
        ...changedAfterwards(file, registered),
        ...incompatible(file, files.slice(0, i), registered),
      ]
      if (problems.length === 0) {
        const verdict = await client.incompatibility(subject, file.schema)
        if (verdict !== null)
          problems.push(`${path}: the registry finds it incompatible with ${subject}: ${verdict}`)
      }
      return { file: path, subject, state: problems.length > 0 ? 'refused' : 'new', id: null, problems }
    }),
  )
}

/** A version that was registered is immutable: events written with it lie in the log for ever. */
function changedAfterwards(file: SchemaFile, registered: readonly RegisteredVersion[]): readonly string[] {
  const last = registered.length
  if (file.version > last) return []
  const next = `${file.name}.v${last + 1}.avsc`
  return [
    `${pathOf(file)}: was changed after it had been registered. Restore it and put the change into ${next}`,
  ]
}

function incompatible(
  file: SchemaFile,
  earlier: readonly SchemaFile[],
  registered: readonly RegisteredVersion[],
): readonly string[] {
  const others = new Map<string, string>()
  for (const version of registered) others.set(version.schema, `version ${version.version} in the registry`)
  for (const version of earlier) others.set(version.schema, pathOf(version))
  return [...others].flatMap(([schema, name]) =>
    incompatibilities(schema, file.schema).map(why => `${pathOf(file)}: ${why} (against ${name})`),
  )
}
