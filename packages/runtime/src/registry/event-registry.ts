import type { EventType, TopicNames } from '@unwind/contracts'
import { RegistryUnavailable, SchemasMissing } from './errors.js'
import { RegistryClient, type RegistryOptions, type SchemaById } from './registry-client.js'
import { subjectsOf } from './subjects.js'

/** What sending and opening events needs from a registry. */
export interface EventRegistry {
  /** ID of the current schema of every event. */
  readonly schemaIds: ReadonlyMap<EventType, number>
  /** Text of the schemas behind `schemaIds`, so that no event of this build ever waits for the registry. */
  readonly known: ReadonlyMap<number, string>
  /**
   * The schema behind an ID. "missing" is the registry's own word: no event with this ID will ever be readable.
   * Rejects with `RegistryUnavailable` when the registry cannot say: ask again later.
   */
  writerSchema(schemaId: number): Promise<SchemaById>
}

/** How long "missing" is believed without asking again, so that a flood of garbage does not become a flood of look-ups. */
const MISSING_FOR_MS = 10_000
const MISSING_REMEMBERED = 10_000

/**
 * Looks up the ID of every event's current schema, once.
 * @throws SchemasMissing naming the subjects that lack one.
 * @throws RegistryUnavailable
 */
export async function openRegistry(
  options: RegistryOptions & { readonly topics: TopicNames },
): Promise<EventRegistry> {
  const client = new RegistryClient(options)
  await client.assertHealthy()
  const schemaIds = new Map<EventType, number>()
  const known = new Map<number, string>()
  const lacking: string[] = []
  await Promise.all(
    subjectsOf(options.topics).map(async ({ subject, files }) => {
      const current = files.at(-1)!
      const id = await client.idOf(subject, current.schema)
      if (id === null) return void lacking.push(`${subject} (version ${current.version})`)
      schemaIds.set(current.name as EventType, id)
      known.set(id, current.schema)
    }),
  )
  if (lacking.length > 0)
    throw new SchemasMissing(
      `the registry lacks ${lacking.sort().join(', ')}. Run "unwind schemas apply", then start again`,
    )
  return { schemaIds, known, writerSchema: cachedLookup(client, [...schemaIds.values()][0]!) }
}

/**
 * @param canary ID that the registry knew at the start. A registry that no longer knows it has lost its content (restored
 *   empty, or another one answers at its address); calling records poison on its word would empty the ledger.
 */
function cachedLookup(client: RegistryClient, canary: number): EventRegistry['writerSchema'] {
  const missing = new Map<number, { readonly until: number; readonly answer: SchemaById }>()
  const underWay = new Map<number, Promise<SchemaById>>()
  const lookup = async (schemaId: number): Promise<SchemaById> => {
    const answer = await client.schemaById(schemaId)
    if (answer.kind === 'schema') return answer
    if (!(await client.holds(canary)))
      throw new RegistryUnavailable(
        `the schema registry no longer knows schema ${canary}, which it had when this process started. Restore its content`,
      )
    if (missing.size >= MISSING_REMEMBERED) missing.clear()
    missing.set(schemaId, { until: performance.now() + MISSING_FOR_MS, answer })
    return answer
  }
  return schemaId => {
    const absent = missing.get(schemaId)
    if (absent && absent.until > performance.now()) return Promise.resolve(absent.answer)
    const running = underWay.get(schemaId)
    if (running) return running
    const started = lookup(schemaId).finally(() => underWay.delete(schemaId))
    underWay.set(schemaId, started)
    return started
  }
}
