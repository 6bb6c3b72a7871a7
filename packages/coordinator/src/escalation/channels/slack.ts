import type { Channel, Message } from './channel.js'
import { ChannelHttp } from './http-client.js'
import { readSecretFile } from './secret-file.js'
import { whole } from './text.js'

export interface SlackOptions {
  /** Holds the URL of the incoming webhook, which is a secret. */
  readonly urlFile: string
  readonly local: boolean
}

const MOST_HEADER = 150
const MOST_SECTION = 3_000

/** Slack, incoming webhook. It knows no key for repetitions, so one message at a time. */
export function slack(name: string, options: SlackOptions): Channel {
  const http = new ChannelHttp(options.local, 1)
  return {
    name,
    kind: 'slack',
    parallel: 1,
    keyed: false,
    takes: () => true,
    async send(message, signal) {
      const url = await readSecretFile(options.urlFile, `escalation.channels.${name}.urlFile`)
      return http.post(url, JSON.stringify(slackMessage(message)), {}, signal)
    },
    close: () => http.close(),
  }
}

/** Block Kit. What comes from systems is plain text, so that it can call nobody and link nowhere. */
export function slackMessage(message: Message): object {
  const { title, outcome, why, done, verified, stuck, hint, unblock, who, command, link, severity } = message
  const mark = outcome !== null ? '✅' : severity === 'critical' ? '🚨' : '⚠️'
  const blocks: object[] = [
    { type: 'header', text: plain(`${mark} ${title}`, MOST_HEADER) },
    { type: 'section', text: plain(outcome === null ? why : `${outcome}. It was: ${why}`, MOST_SECTION) },
    ...[
      ['Done', done],
      ['Verified', verified],
      ['Stuck', stuck],
    ].map(([name, lines]) => {
      const text = lines?.length
        ? (lines as readonly string[]).map(line => `• ${line}`).join('\n')
        : 'nothing'
      return { type: 'section', text: plain(`${name as string}\n${text}`, MOST_SECTION) }
    }),
  ]
  if (outcome === null)
    blocks.push(
      { type: 'section', text: plain(`What to do: ${hint}`, MOST_SECTION) },
      { type: 'section', text: plain(`Who can unblock it: ${unblock}`, MOST_SECTION) },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: clip(`\`\`\`${escaped(command)}\`\`\``, MOST_SECTION) },
      },
    )
  const about = `Rollback ${message.rollbackId} of ${message.correlationId}${who.length > 0 ? `, for ${who.join(', ')}` : ''}`
  blocks.push(
    {
      type: 'actions',
      elements: [{ type: 'button', text: plain('Open the rollback', 75), url: link, action_id: 'open' }],
    },
    { type: 'context', elements: [plain(about, MOST_SECTION)] },
  )
  return { text: escaped(clip(`${title}: ${outcome ?? why}`, MOST_SECTION)), blocks }
}

function plain(text: string, most: number): object {
  return { type: 'plain_text', text: clip(text, most), emoji: false }
}

function clip(text: string, most: number): string {
  return text.length <= most ? text : `${whole(text.slice(0, most - 1))}…`
}

/** The three characters with which Slack's own markup begins. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
