import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { AddressRefused, assertAddressAllowed, lookupGuardedBy } from '@unwind/runtime'
import { createTransport } from 'nodemailer'
import type { Channel, Message, Sent } from './channel.js'
import { refusesAddress } from './http-client.js'
import { readSecretFile } from './secret-file.js'
import { plainText } from './text.js'

export interface EmailOptions {
  readonly host: string
  readonly port: number
  /** TLS from the first byte; otherwise STARTTLS, which only a local server may do without. */
  readonly tls: boolean
  readonly user: string | null
  readonly passwordFile: string | null
  readonly from: string
  /** Always told; besides those in a ladder's "who" that are addresses. */
  readonly to: readonly string[]
  readonly local: boolean
}

const WITHIN_MS = 10_000
const ADDRESS = /[^\s<>()@,;:"]+@[^\s<>()@,;:"]+/

/** Mail by SMTP. It knows no key for repetitions; the message's own ID lets mailboxes and people see one. */
export function email(name: string, options: EmailOptions): Channel {
  return {
    name,
    kind: 'email',
    parallel: 1,
    keyed: false,
    takes: () => true,
    async send(message): Promise<Sent> {
      const to = recipients(message, options.to)
      if (to.length === 0)
        return {
          kind: 'refused',
          reason: `nobody to write to: set escalation.channels.${name}.to, or addresses in "who"`,
        }
      const { user, passwordFile } = options
      const key = `escalation.channels.${name}.passwordFile`
      const pass = passwordFile === null ? null : await readSecretFile(passwordFile, key)
      try {
        const address = await addressOf(options)
        const transport = createTransport({
          // The address that was checked, not the name: it could lead elsewhere at the second look.
          host: address,
          port: options.port,
          secure: options.tls,
          requireTLS: !options.tls && !options.local,
          tls: { servername: options.host },
          ...(user !== null && pass !== null ? { auth: { user, pass } } : {}),
          connectionTimeout: WITHIN_MS,
          greetingTimeout: WITHIN_MS,
          socketTimeout: WITHIN_MS,
          disableFileAccess: true,
          disableUrlAccess: true,
        })
        try {
          await transport.sendMail({ from: options.from, to, ...mailOf(message, options.from) })
        } finally {
          transport.close()
        }
        return { kind: 'delivered' }
      } catch (error) {
        return failure(options.host, error)
      }
    },
    close: async () => undefined,
  }
}

export function mailOf(message: Message, from: string) {
  const domain = ADDRESS.exec(from)?.[0].split('@')[1] ?? 'unwind.invalid'
  const idOf = (text: string) => `<${createHash('sha256').update(text).digest('hex').slice(0, 40)}@${domain}>`
  return {
    subject: `[${message.severity}] ${message.title}`.replace(/[\p{Cc}]+/gu, ' '),
    text: plainText(message),
    messageId: idOf(message.messageId),
    // All messages about one alarm are one conversation.
    references: [idOf(message.dedupKey)],
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

function recipients({ who }: Message, always: readonly string[]): string[] {
  const named = who.flatMap(each => ADDRESS.exec(each)?.[0] ?? [])
  return [...new Set([...always, ...named])]
}

async function addressOf({ host, local }: EmailOptions): Promise<string> {
  const refuses = refusesAddress(local)
  assertAddressAllowed(host, refuses)
  if (isIP(host) !== 0) return host
  return new Promise((resolve, reject) => {
    lookupGuardedBy(refuses)(host, {}, (error, address) => {
      if (error) reject(error)
      else resolve(address as string)
    })
  })
}

function failure(host: string, error: unknown): Sent {
  if (error instanceof AddressRefused)
    return { kind: 'refused', reason: `${error.message}; set "local: true" where that is meant` }
  const { responseCode, code } = error as { responseCode?: number; code?: string }
  // 5yz: the server will say the same again (RFC 5321, 4.2.1).
  if (code === 'EAUTH') return { kind: 'refused', reason: `${host} takes neither user nor password` }
  if (responseCode !== undefined && responseCode >= 500)
    return {
      kind: 'refused',
      reason: `${host} answered ${responseCode}: look at the sender and the recipients`,
    }
  return { kind: 'again', reason: `${host}: ${responseCode ?? code ?? 'cannot be reached'}` }
}
