import type { Channel, Message } from './channel.js'
import { ChannelHttp } from './http-client.js'
import { readSecretFile } from './secret-file.js'

export interface AlertmanagerOptions {
  /** Base URL, e.g. "http://alertmanager:9093". */
  readonly url: string
  readonly bearerFile: string | null
  /** An alarm that nobody tells the end of ends by itself after so long, milliseconds. */
  readonly holdMs: number
  readonly local: boolean
  now(): number
}

const PARALLEL = 4

/** Alertmanager, API v2. It knows firing and resolved, and nothing of people who take an alarm. */
export function alertmanager(name: string, options: AlertmanagerOptions): Channel {
  const http = new ChannelHttp(options.local, PARALLEL)
  const url = `${options.url.replace(/\/$/, '')}/api/v2/alerts`
  return {
    name,
    kind: 'alertmanager',
    parallel: PARALLEL,
    keyed: true,
    takes: action => action !== 'acknowledge',
    async send(message, signal) {
      const { bearerFile, holdMs, now } = options
      const headers: Record<string, string> =
        bearerFile === null
          ? {}
          : {
              authorization: `Bearer ${await readSecretFile(bearerFile, `escalation.channels.${name}.bearerFile`)}`,
            }
      const endsAt = message.action === 'resolve' ? now() : now() + holdMs
      return http.post(url, JSON.stringify([alert(message, endsAt)]), headers, signal)
    },
    close: () => http.close(),
  }
}

/** @param endsAt epoch ms. Without it Alertmanager ends an alert minutes after it was last told. */
export function alert(message: Message, endsAt: number): object {
  const { kind, severity, system, stepId, escalationId, rollbackId, correlationId, title, link } = message
  return {
    // The labels are the alarm's identity, so nothing in them may change while it lasts.
    labels: {
      alertname: 'UnwindEscalation',
      escalation: escalationId,
      kind,
      severity,
      rollback: rollbackId,
      correlation: correlationId,
      ...(system === null ? {} : { system }),
      ...(stepId === null ? {} : { step: stepId }),
    },
    annotations: {
      summary: title,
      description: message.outcome ?? message.why,
      done: message.done.join('\n') || 'nothing',
      verified: message.verified.join('\n') || 'nothing',
      stuck: message.stuck.join('\n') || 'nothing',
      what_to_do: message.hint,
      who_can_unblock_it: message.unblock,
      command: message.command,
      link,
    },
    startsAt: new Date(Math.min(message.raisedAt, endsAt)).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    generatorURL: link,
  }
}
