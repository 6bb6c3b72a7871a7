import type { ViewState } from '@unwind/core'
import type { LogAdmin } from '@unwind/runtime'
import type { RedisView } from './redis-view.js'
import type { ViewDigest } from './view-digest.js'

export interface ViewKeeperOptions {
  readonly view: Pick<RedisView, 'watermarks' | 'building' | 'forgetAll' | 'digest'>
  readonly admin: Pick<LogAdmin, 'offsets'>
  readonly topics: readonly string[]
  /** The view was declared void: whoever fills it looks at once. */
  onForgotten(): void
}

/** How far the view reaches, and having it built again. */
export class ViewKeeper {
  constructor(private readonly options: ViewKeeperOptions) {}

  /** @throws ViewUnavailable */
  async state(): Promise<ViewState> {
    const { view, admin, topics } = this.options
    const partitions: ViewState['partitions'][number][] = []
    let behind = 0n
    let records = 0n
    for (const topic of topics) {
      const [ends, reached, building] = await Promise.all([
        admin.offsets(topic),
        view.watermarks(topic),
        view.building(topic),
      ])
      for (const [partition, { start, end }] of [...ends].sort(([a], [b]) => a - b)) {
        const watermark = reached.get(partition) ?? null
        const from = watermark === null || watermark < start ? start : watermark
        behind += end > from ? end - from : 0n
        records += end - start
        const stale = building.has(partition) || (watermark === null && end > start)
        partitions.push({
          topic,
          partition,
          watermark: watermark === null ? null : String(watermark),
          end: String(end),
          stale,
        })
      }
    }
    return {
      stale: partitions.some(({ stale }) => stale),
      behind: Number(behind),
      records: Number(records),
      partitions,
    }
  }

  /** Whether some part of the view is being built again. @throws ViewUnavailable */
  async isStale(): Promise<boolean> {
    for (const topic of this.options.topics)
      if ((await this.options.view.building(topic)).size > 0) return true
    return false
  }

  /** Has the whole view built again from the topics, by whichever coordinators follow them. @throws ViewUnavailable */
  async rebuild(): Promise<ViewState> {
    await this.options.view.forgetAll(this.options.topics)
    this.options.onForgotten()
    return this.state()
  }

  /** @throws ViewUnavailable */
  digest(): Promise<ViewDigest> {
    return this.options.view.digest(this.options.topics)
  }
}
