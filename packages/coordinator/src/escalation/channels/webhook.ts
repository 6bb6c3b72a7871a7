import { createHmac, type KeyObject, sign } from 'node:crypto'
import type { Channel, Message } from './channel.js'
import { ChannelHttp } from './http-client.js'
import { readSecretFile } from './secret-file.js'

export type WebhookSigning =
  /** The file holds the shared secret. */
  | { readonly kind: 'hmac'; readonly secretFile: string }
  /** Ed25519; receivers check with the public half. */
  | { readonly kind: 'ed25519'; readonly key: KeyObject; readonly keyId: string }

export interface WebhookOptions {
  readonly urlFile: string | null
  readonly url: string | null
  readonly signing: WebhookSigning
  readonly source: string
  readonly local: boolean
  now(): number
}

const PARALLEL = 4

/** Any receiver: a CloudEvents 1.0 event in structured JSON, signed together with its ID and the moment of sending. */
export function webhook(name: string, options: WebhookOptions): Channel {
  const http = new ChannelHttp(options.local, PARALLEL)
  return {
    name,
    kind: 'webhook',
    parallel: PARALLEL,
    keyed: true,
    takes: () => true,
    async send(message, signal) {
      const { url, urlFile, signing, source, now } = options
      const key = `escalation.channels.${name}`
      const target = url ?? (await readSecretFile(urlFile ?? '', `${key}.urlFile`))
      const body = JSON.stringify(cloudEvent(message, source))
      const at = Math.floor(now() / 1_000)
      const secret =
        signing.kind === 'hmac' ? await readSecretFile(signing.secretFile, `${key}.hmac.secretFile`) : ''
      const headers = {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'webhook-id': message.messageId,
        'webhook-timestamp': String(at),
        'webhook-signature': signatureOf(signing, secret, `${message.messageId}.${at}.${body}`),
        ...(signing.kind === 'ed25519' ? { 'webhook-key-id': signing.keyId } : {}),
      }
      return http.post(target, body, headers, signal)
    },
    close: () => http.close(),
  }
}

/** "v1,<base64 of HMAC-SHA256>" or "v1a,<base64 of Ed25519>", over "<id>.<timestamp>.<body>". */
function signatureOf(signing: WebhookSigning, secret: string, text: string): string {
  return signing.kind === 'hmac'
    ? `v1,${createHmac('sha256', secret).update(text).digest('base64')}`
    : `v1a,${sign(null, Buffer.from(text), signing.key).toString('base64')}`
}

export function cloudEvent(message: Message, source: string): object {
  const { messageId, dedupKey, action, correlationId, raisedAt, ...data } = message
  return {
    specversion: '1.0',
    id: messageId,
    source,
    type: `unwind.escalation.${action}.v1`,
    subject: message.rollbackId,
    time: new Date(raisedAt).toISOString(),
    datacontenttype: 'application/json',
    correlationid: correlationId,
    data: { ...data, action, correlationId, dedupKey },
  }
}
