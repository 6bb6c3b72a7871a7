import { randomUUID } from 'node:crypto'
import type { CapturedAction, CaptureSource } from '../../adapter/port.js'
import { textOf } from './answers.js'
import type { Connection, Reply } from './connection.js'
import { dataOf } from './found.js'
import type { RedisTarget } from './target.js'

/** A relay that died is replaced after this, ms. */
const LEASE_MS = 10_000

/** The outbox of captured actions. Redis runs one script at a time, so the order of the stream is the order in which they happened. */
export class CaptureRelay implements CaptureSource {
  readonly #me = randomUUID()

  constructor(
    private readonly connection: Connection,
    private readonly target: RedisTarget,
  ) {}

  /** @throws CallFailed */
  async next(limit: number, signal: AbortSignal): Promise<readonly CapturedAction[]> {
    const { layout } = this.target
    const rows = await this.connection.run(
      'relay',
      [layout.outbox, layout.relay],
      [this.#me, String(LEASE_MS), String(limit), layout.undoLog('').slice(0, -1)],
      signal,
    )
    const actions = rows.flatMap(row => captured(row as readonly Reply[]))
    const last = rows.at(-1) as readonly Reply[] | undefined
    // Entries whose images have expired cannot be relayed; where only such are left, they are let go here.
    if (actions.length === 0 && last) await this.connection.trim(layout.outbox, textOf(last[0]))
    return actions
  }

  /** @throws CallFailed */
  async published({ cursor }: CapturedAction): Promise<void> {
    await this.connection.trim(this.target.layout.outbox, cursor)
  }
}

function captured(row: readonly Reply[]): CapturedAction[] {
  if (row.length === 1) return []
  const [cursor, correlationId, actionId, at, action, resource] = row.map(textOf)
  const keys = (row[6] ?? []) as readonly Reply[]
  return [
    {
      cursor: cursor!,
      correlationId: correlationId!,
      actionId: actionId!,
      action: action!,
      resource: resource || null,
      occurredAt: Number(at),
      data: dataOf(keys),
      items: keys.length,
      digest: textOf(row[7]),
    },
  ]
}
