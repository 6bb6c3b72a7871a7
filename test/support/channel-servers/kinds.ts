import { HttpChannel } from './http-channel.js'

interface PagerDutyBody {
  readonly routing_key?: string
  readonly event_action?: string
  readonly dedup_key?: string
  readonly payload?: { readonly summary?: string; readonly source?: string; readonly severity?: string }
}

/** PagerDuty, Events API v2: one incident a de-duplication key. */
export class PagerDutyServer extends HttpChannel {
  constructor(routingKey: string) {
    super('/v2/enqueue', 202, ({ body }) => {
      const { routing_key, event_action, dedup_key, payload } = body as PagerDutyBody
      if (routing_key !== routingKey) return 'invalid routing key'
      if (!dedup_key || dedup_key.length > 255) return 'dedup_key is missing or too long'
      if (!['trigger', 'acknowledge', 'resolve'].includes(event_action ?? '')) return 'invalid event_action'
      if (event_action !== 'trigger') return null
      if (!payload?.summary || payload.summary.length > 1_024) return 'summary is missing or too long'
      if (!payload.source) return 'source is missing'
      return ['critical', 'error', 'warning', 'info'].includes(payload.severity ?? '') ? null : 'bad severity'
    })
  }

  /** By de-duplication key: what an incident was told, what changes nothing left out. */
  get incidents(): ReadonlyMap<string, readonly string[]> {
    const incidents = new Map<string, string[]>()
    for (const { body } of this.taken) {
      const { dedup_key, event_action } = body as Required<PagerDutyBody>
      const told = incidents.get(dedup_key) ?? []
      // A trigger for an incident that is open, also one that somebody has taken, changes nothing.
      const open = told.length > 0 && told.at(-1) !== 'resolve'
      if (event_action === 'trigger' ? !open : told.at(-1) !== event_action) told.push(event_action)
      incidents.set(dedup_key, told)
    }
    return incidents
  }
}

interface Block {
  readonly type: string
  readonly text?: { readonly type: string; readonly text: string }
}

/** Slack, incoming webhook with blocks. */
export class SlackServer extends HttpChannel {
  constructor() {
    super('/services/T1/B2/secret', 200, ({ body }) => {
      const { text, blocks } = body as { text?: string; blocks?: readonly Block[] }
      if (!text) return 'no_text'
      if (!blocks || blocks.length > 50) return 'invalid_blocks'
      for (const { type, text: inner } of blocks) {
        if (type === 'header' && (inner?.type !== 'plain_text' || inner.text.length > 150))
          return 'invalid_blocks: header'
        if (type === 'section' && (!inner || inner.text.length === 0 || inner.text.length > 3_000))
          return 'invalid_blocks: section'
      }
      return null
    })
  }
}

interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
}

/** Alertmanager, API v2. */
export class AlertmanagerServer extends HttpChannel {
  constructor() {
    super('/api/v2/alerts', 200, ({ body }) => {
      if (!Array.isArray(body)) return 'not a list'
      for (const { labels, startsAt, endsAt } of body as readonly Alert[]) {
        if (!labels?.alertname) return 'at least one label pair required'
        if (Object.values(labels).some(value => typeof value !== 'string' || value === '')) return 'bad label'
        if (Date.parse(endsAt) < Date.parse(startsAt)) return 'start time must be before end time'
      }
      return null
    })
  }

  /** Alerts that fire at a moment, by their "escalation" label. */
  firingAt(at: number): readonly string[] {
    const ends = new Map<string, number>()
    for (const { body } of this.taken)
      for (const { labels, endsAt } of body as readonly Alert[])
        ends.set(labels.escalation!, Date.parse(endsAt))
    return [...ends].filter(([, end]) => end > at).map(([id]) => id)
  }
}

/** Any receiver of CloudEvents. */
export class HookServer extends HttpChannel {
  constructor() {
    super('/hook', 204, ({ headers }) =>
      headers['content-type']?.startsWith('application/cloudevents+json') ? null : 'not a CloudEvent',
    )
  }
}
