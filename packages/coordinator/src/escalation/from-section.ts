import type { MaintenanceWindow, Rung } from '@unwind/core'
import { loadSigningKey } from '@unwind/runtime'
import { alertmanager } from './channels/alertmanager.js'
import type { Channel } from './channels/channel.js'
import { email } from './channels/email.js'
import { pagerDuty } from './channels/pagerduty.js'
import { slack } from './channels/slack.js'
import { type WebhookSigning, webhook } from './channels/webhook.js'
import type { EscalationOptions } from './options.js'
import { type ChannelSection, DAYS, type EscalationSection, type WindowSection } from './section.js'

export interface SectionContext {
  /** Base URL of the HTTP API, for links. */
  readonly apiUrl: string
  /** Epoch ms. */
  now(): number
}

/** @throws Error naming a key file that cannot be used. */
export function escalationOptions(section: EscalationSection, context: SectionContext): EscalationOptions {
  return {
    link: section.link ?? `${context.apiUrl}/v1/rollbacks/{rollbackId}`,
    channels: Object.entries(section.channels).map(([name, channel]) => channelOf(name, channel, context)),
    ladders: section.ladders.map(({ systems, severities, levels, repeat }) => {
      return {
        systems,
        severities,
        rungs: levels.flatMap(({ after, notify, who }) =>
          notify.map((channel): Rung => ({ afterMs: after, channel, who })),
        ),
        repeat: repeat ? { everyMs: repeat.every, times: repeat.times } : null,
      }
    }),
    maintenance: section.maintenance.map(windowOf),
  }
}

function channelOf(name: string, channel: ChannelSection, { now }: SectionContext): Channel {
  switch (channel.kind) {
    case 'pagerduty':
      return pagerDuty(name, channel)
    case 'slack':
      return slack(name, channel)
    case 'alertmanager': {
      const { url, bearerFile = null, hold, local } = channel
      return alertmanager(name, { url, bearerFile, holdMs: hold, local, now })
    }
    case 'email': {
      const { user = null, passwordFile = null, ...rest } = channel
      return email(name, { ...rest, user, passwordFile })
    }
    case 'webhook': {
      const { url = null, urlFile = null, hmac, ed25519, local } = channel
      const signing = hmac
        ? ({ kind: 'hmac', secretFile: hmac.secretFile } as const)
        : signingKeyOf(name, ed25519?.keyFile)
      return webhook(name, { url, urlFile, signing, source: '/unwind/coordinator', local, now })
    }
    default:
      return channel satisfies never
  }
}

function windowOf(window: WindowSection): MaintenanceWindow {
  const { systems, severities } = window
  if ('days' in window) {
    const days = window.days.map(day => DAYS.indexOf(day))
    const when = { kind: 'weekly', days, from: msOf(window.begins), to: msOf(window.ends) } as const
    return { systems, severities, when }
  }
  const when = { kind: 'once', from: Date.parse(window.from), to: Date.parse(window.to) } as const
  return { systems, severities, when }
}

/** "22:30" as milliseconds of the day. */
function msOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return (hours * 60 + minutes) * 60_000
}

/** @throws Error when the file is no private key. */
function signingKeyOf(name: string, file = ''): WebhookSigning {
  try {
    const { privateKey: key, keyId } = loadSigningKey(file)
    return { kind: 'ed25519', key, keyId }
  } catch (error) {
    throw new Error(`escalation.channels.${name}.ed25519.keyFile: ${(error as Error).message}`)
  }
}
