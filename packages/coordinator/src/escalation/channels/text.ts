import type { Message } from './channel.js'

/** The message as plain lines, for mail and for whatever shows text. */
export function plainText(message: Message): string {
  const { outcome, why, hint, done, verified, stuck, unblock, who, command, link, since } = message
  const open = outcome === null
  return [
    outcome === null ? why : `${outcome}. It was: ${why}`,
    `Overdue since ${new Date(since).toISOString()}.`,
    '',
    section('Done', done),
    section('Verified', verified),
    section('Stuck', stuck),
    ...(open
      ? [
          `What to do: ${hint}`,
          `Who can unblock it: ${unblock}`,
          `For: ${who.join(', ') || 'whoever reads this'}`,
        ]
      : []),
    '',
    ...(open ? [`  ${command}`] : []),
    `  ${link}`,
    '',
    `Rollback ${message.rollbackId} of ${message.correlationId}; alarm ${message.escalationId}`,
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0
    ? `${title}: nothing`
    : `${title}:\n${lines.map(line => `  - ${line}`).join('\n')}`
}

/** Without half a surrogate pair at its end. */
export function whole(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '')
}
