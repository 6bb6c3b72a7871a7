import type { Channel, Message } from './channel.js'
import { ChannelHttp } from './http-client.js'
import { readSecretFile } from './secret-file.js'
import { whole } from './text.js'

export interface PagerDutyOptions {
  readonly url: string
  readonly routingKeyFile: string
  readonly local: boolean
}

const MOST_SUMMARY = 1_024
const PARALLEL = 4

/** PagerDuty, Events API v2: one incident an alarm, whatever is sent twice. */
export function pagerDuty(name: string, options: PagerDutyOptions): Channel {
  const http = new ChannelHttp(options.local, PARALLEL)
  return {
    name,
    kind: 'pagerduty',
    parallel: PARALLEL,
    keyed: true,
    takes: () => true,
    async send(message, signal) {
      const key = await readSecretFile(options.routingKeyFile, `escalation.channels.${name}.routingKeyFile`)
      return http.post(options.url, JSON.stringify(pagerDutyEvent(message, key)), {}, signal)
    },
    close: () => http.close(),
  }
}

export function pagerDutyEvent(message: Message, routingKey: string): object {
  const { action, dedupKey, title, why, severity, system, kind, rollbackId, correlationId } = message
  const common = { routing_key: routingKey, event_action: action, dedup_key: dedupKey }
  if (action !== 'trigger') return common
  return {
    ...common,
    client: 'Unwind',
    client_url: message.link,
    links: [{ href: message.link, text: `Rollback ${rollbackId}` }],
    payload: {
      summary: clip(`${title}: ${why}`, MOST_SUMMARY),
      source: correlationId,
      severity,
      timestamp: new Date(message.raisedAt).toISOString(),
      component: system ?? 'rollback',
      group: rollbackId,
      class: kind,
      custom_details: {
        done: message.done,
        verified: message.verified,
        stuck: message.stuck,
        why,
        'what to do': message.hint,
        'who can unblock it': message.unblock,
        for: message.who,
        level: message.level,
        command: message.command,
        link: message.link,
      },
    },
  }
}

function clip(text: string, most: number): string {
  return text.length <= most ? text : `${whole(text.slice(0, most - 1))}…`
}
