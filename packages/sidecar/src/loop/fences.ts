import type { Adapter, FenceReport, FenceRequest } from '../adapter/port.js'

const BATCH = 64
const IN_FLIGHT = 2

/**
 * Gathers the fences that are asked for while one call is under way and puts them up in one round trip: under load the
 * cost of a fence is shared, and alone it does not wait for anybody.
 */
export class FenceQueue {
  readonly #waiting: FenceRequest[] = []
  #inFlight = 0

  constructor(
    private readonly adapter: Adapter,
    private readonly signal: AbortSignal,
    private readonly report: (report: FenceReport) => void,
  ) {}

  push(request: FenceRequest): void {
    this.#waiting.push(request)
    // Requests of the same delivery gather before the first call goes out.
    queueMicrotask(() => this.#next())
  }

  #next(): void {
    if (this.#inFlight >= IN_FLIGHT || this.#waiting.length === 0 || this.signal.aborted) return
    const batch = this.#waiting.splice(0, BATCH)
    this.#inFlight++
    void this.#call(batch).finally(() => {
      this.#inFlight--
      this.#next()
    })
  }

  async #call(batch: readonly FenceRequest[]): Promise<void> {
    let reports: readonly FenceReport[]
    try {
      reports = await this.adapter.fence(batch, this.signal)
    } catch (error) {
      // A fence is idempotent, so whatever happened to the call, it can be made again.
      reports = batch.map(r => ({
        kind: 'failed',
        rollbackId: r.rollbackId,
        code: 'transient',
        message: String(error),
      }))
    }
    const answered = new Set(reports.map(r => r.rollbackId))
    for (const report of reports) this.report(report)
    for (const { rollbackId } of batch) {
      if (answered.has(rollbackId)) continue
      this.report({
        kind: 'failed',
        rollbackId,
        code: 'unknown',
        message: 'the adapter did not report on this fence',
      })
    }
  }
}
