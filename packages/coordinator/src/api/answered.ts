import type { RedisView } from '../view/redis-view.js'
import { KEY_KEPT_MS, type KeyedCall, keyReused } from './idempotency.js'

interface Note {
  readonly request: string
  readonly answer?: unknown
}

/**
 * Answers of keyed requests. Lost when the view is flushed; then the IDs in the ledger, which follow from the key, still
 * keep a repeated request from being done twice.
 */
export class Answered {
  constructor(private readonly view: Pick<RedisView, 'note' | 'renote'>) {}

  /** @throws Problem when the key stands for another request. @throws ViewUnavailable before anything was done. */
  async once(call: KeyedCall, handle: () => Promise<unknown>): Promise<unknown> {
    const text = await this.view.note(call.name, JSON.stringify({ request: call.request }), KEY_KEPT_MS)
    if (text !== null) {
      const note = JSON.parse(text) as Note
      if (note.request !== call.request)
        throw keyReused('this key came before with another path or another body')
      if (note.answer !== undefined) return note.answer
    }
    const answer = await handle()
    const note: Note = { request: call.request, answer }
    // It is done. Without the note a repeated call is found by the ledger.
    await this.view.renote(call.name, JSON.stringify(note), KEY_KEPT_MS).catch(() => undefined)
    return answer
  }
}
