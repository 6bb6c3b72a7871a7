import { generateKeyPairSync, verify } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { alert } from './alertmanager.js'
import type { Channel, Message } from './channel.js'
import { mailOf } from './email.js'
import { ChannelHttp } from './http-client.js'
import { pagerDuty, pagerDutyEvent } from './pagerduty.js'
import { slack, slackMessage } from './slack.js'
import { webhook } from './webhook.js'

const message: Message = {
  escalationId: 'rb-1/escalation/stuck/orders/0',
  rollbackId: 'rb-1',
  correlationId: 'order-1',
  action: 'trigger',
  level: 1,
  title: 'stuck: rollback of order-1, orders',
  severity: 'critical',
  kind: 'stuck',
  system: 'orders',
  stepId: 'orders',
  why: 'rollback rb-1: step orders has not settled',
  since: 1_000,
  raisedAt: 2_000,
  hint: 'look into the log',
  done: ['stock: verified'],
  verified: ['stock: 2 of 2 items'],
  stuck: ['orders: started'],
  unblock: 'team orders owns orders; role:operator may take it',
  who: ['Ana <ana@example.com>'],
  outcome: null,
  link: 'https://unwind.example.com/rb-1',
  command: 'unwind acknowledge rb-1 --reason "…"',
  messageId: 'rb-1/escalation/stuck/orders/0/notice/trigger/hook/0.0',
  dedupKey: 'unwind:rb-1/escalation/stuck/orders/0',
}
const NEVER = new AbortController().signal
const SECRET = 'T0-very-secret'

describe('channels over HTTP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-channels-'))
  const secretFile = join(folder, 'secret')
  let server: Server
  let answer: { status: number; headers: Record<string, string> }
  let calls: { headers: IncomingMessage['headers']; text: string }[]
  const port = () => (server.address() as AddressInfo).port
  const made: Channel[] = []
  const keep = <C extends Channel>(channel: C): C => {
    made.push(channel)
    return channel
  }

  beforeAll(async () => {
    writeFileSync(secretFile, `${SECRET}\n`)
    server = createServer((request, response) => {
      let text = ''
      request.on('data', chunk => {
        text += chunk
      })
      request.on('end', () => {
        calls.push({ headers: request.headers, text })
        response.writeHead(answer.status, answer.headers).end(`no ${SECRET} here`)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  beforeEach(() => {
    calls = []
    answer = { status: 202, headers: {} }
  })
  afterAll(async () => {
    await Promise.all(made.map(channel => channel.close()))
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    rmSync(folder, { recursive: true })
  })

  const pager = (local: boolean, url = `http://127.0.0.1:${port()}/v2/enqueue`) =>
    keep(pagerDuty('pager', { url, routingKeyFile: secretFile, local }))

  it('deliver, and say what the answer means', async () => {
    const channel = pager(true)
    expect(await channel.send(message, NEVER)).toEqual({ kind: 'delivered' })
    answer = { status: 429, headers: { 'retry-after': '7' } }
    const host = `127.0.0.1:${port()}`
    expect(await channel.send(message, NEVER)).toEqual({
      kind: 'again',
      reason: `${host} answered 429`,
      afterMs: 7_000,
    })
    answer = { status: 500, headers: {} }
    expect(await channel.send(message, NEVER)).toEqual({ kind: 'again', reason: `${host} answered 500` })
    answer = { status: 400, headers: {} }
    const refused = { kind: 'refused', reason: `${host} answered 400: look at its URL and its key` }
    expect(await channel.send(message, NEVER)).toEqual(refused)
  })

  it('follow no redirect: it could lead where nobody looked', async () => {
    answer = { status: 307, headers: { location: `http://127.0.0.1:${port()}/elsewhere` } }
    expect(await pager(true).send(message, NEVER)).toMatchObject({ kind: 'refused' })
    expect(calls).toHaveLength(1)
  })

  it.each([
    ['http://events.example.com/', false, /without TLS/],
    ['https://127.0.0.1:9/', false, /loopback or private address and is not called; set "local: true"/],
    ['https://10.1.2.3/', false, /loopback or private/],
    ['https://[::ffff:192.168.1.1]/', false, /loopback or private/],
    ['https://localhost:9/', false, /loopback or private/],
    ['http://169.254.169.254/latest', true, /link-local, metadata.* never called/],
    ['file:///etc/passwd', true, /without TLS/],
    ['nonsense', true, /not a URL/],
  ])('do not call %s (local: %s)', async (url, local, why) => {
    const sent = await pager(local, url).send(message, NEVER)
    expect(sent).toMatchObject({ kind: 'refused', reason: expect.stringMatching(why) })
    expect(calls).toEqual([])
  })

  it('never show a secret in a reason, also when its file is wrong', async () => {
    const urlFile = join(folder, 'slack-url')
    writeFileSync(urlFile, `http://127.0.0.1:${port()}/services/${SECRET}`)
    const chat = keep(slack('chat', { urlFile, local: true }))
    for (const status of [200, 404, 503]) {
      answer = { status, headers: {} }
      expect(JSON.stringify(await chat.send(message, NEVER))).not.toContain(SECRET)
    }
    const lost = keep(slack('chat', { urlFile: join(folder, 'nowhere'), local: true }))
    await expect(lost.send(message, NEVER)).rejects.toThrow(
      /escalation\.channels\.chat\.urlFile: cannot read .*nowhere \(ENOENT\)/,
    )
  })

  it('say that a server which is away may come back', async () => {
    const closed = new ChannelHttp(true, 1)
    const sent = await closed.post('http://127.0.0.1:1/', '{}', {}, NEVER)
    await closed.close()
    expect(sent).toEqual({ kind: 'again', reason: '127.0.0.1:1 cannot be reached: ECONNREFUSED' })
  })

  it('sign what goes to any receiver with a key of which it knows the public half', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const hook = keep(
      webhook('hook', {
        url: `http://127.0.0.1:${port()}/`,
        urlFile: null,
        signing: { kind: 'ed25519', key: privateKey, keyId: 'k1' },
        source: '/test',
        local: true,
        now: () => 1_700_000_000_999,
      }),
    )
    expect(await hook.send(message, NEVER)).toEqual({ kind: 'delivered' })
    const [{ headers, text }] = calls as [(typeof calls)[number]]
    expect(headers).toMatchObject({
      'webhook-id': message.messageId,
      'webhook-timestamp': '1700000000',
      'webhook-key-id': 'k1',
    })
    const [version, signature] = String(headers['webhook-signature']).split(',')
    const signed = Buffer.from(`${message.messageId}.1700000000.${text}`)
    expect(version).toBe('v1a')
    expect(verify(null, signed, publicKey, Buffer.from(signature!, 'base64'))).toBe(true)
  })
})

describe('messages', () => {
  it('to PagerDuty: a trigger has all, what follows only the incident', () => {
    expect(pagerDutyEvent(message, 'key')).toMatchObject({
      routing_key: 'key',
      event_action: 'trigger',
      dedup_key: message.dedupKey,
      client_url: message.link,
      payload: {
        summary: `${message.title}: ${message.why}`,
        source: 'order-1',
        severity: 'critical',
        timestamp: '1970-01-01T00:00:02.000Z',
        component: 'orders',
        group: 'rb-1',
        class: 'stuck',
      },
    })
    expect(pagerDutyEvent({ ...message, action: 'resolve' }, 'key')).toEqual({
      routing_key: 'key',
      event_action: 'resolve',
      dedup_key: message.dedupKey,
    })
  })

  it('fit what each channel takes, however long the texts are', () => {
    const long = '😀'.repeat(5_000)
    const all = {
      ...message,
      title: long,
      why: long,
      hint: long,
      unblock: long,
      stuck: [long],
      command: long,
    }
    const { payload } = pagerDutyEvent(all, 'key') as { payload: { summary: string } }
    expect(payload.summary.length).toBeLessThanOrEqual(1_024)
    expect(payload.summary.isWellFormed()).toBe(true)
    const { blocks } = slackMessage(all) as { blocks: { type: string; text?: { text: string } }[] }
    for (const { type, text } of blocks) {
      expect(text?.text.length ?? 0).toBeLessThanOrEqual(type === 'header' ? 150 : 3_000)
      expect(text?.text.isWellFormed() ?? true).toBe(true)
    }
  })

  it('to Slack call nobody, whatever a system says', () => {
    const sent = slackMessage({ ...message, why: '<!channel> <https://evil.example|here>' }) as {
      text: string
      blocks: { text?: { type: string; text: string } }[]
    }
    expect(sent.text).toBe(
      'stuck: rollback of order-1, orders: &lt;!channel&gt; &lt;https://evil.example|here&gt;',
    )
    for (const { text } of sent.blocks)
      if (text?.text.includes('<!channel>')) expect(text.type).toBe('plain_text')
  })

  it('to Alertmanager have the same labels while the alarm lasts', () => {
    const fired = alert(message, 100_000) as { labels: object; endsAt: string }
    const over = { ...message, action: 'resolve', outcome: 'step orders is verified', title: 'Over' } as const
    const ended = alert(over, 5_000) as { labels: object; endsAt: string }
    expect(ended.labels).toEqual(fired.labels)
    expect([fired.endsAt, ended.endsAt]).toEqual(['1970-01-01T00:01:40.000Z', '1970-01-01T00:00:05.000Z'])
  })

  it('by mail are one conversation an alarm, and cannot add a header', () => {
    const first = mailOf({ ...message, title: 'stuck\r\nBcc: all@example.com' }, 'Unwind <u@example.com>')
    const next = mailOf({ ...message, messageId: 'another' }, 'Unwind <u@example.com>')
    expect(first.subject).toBe('[critical] stuck Bcc: all@example.com')
    expect(first.references).toEqual(next.references)
    expect(first.messageId).not.toBe(next.messageId)
    expect(first.messageId).toMatch(/^<[0-9a-f]{40}@example\.com>$/)
    for (const part of [
      'stock: verified',
      'stock: 2 of 2 items',
      'orders: started',
      message.command,
      message.link,
    ])
      expect(first.text).toContain(part)
  })
})
