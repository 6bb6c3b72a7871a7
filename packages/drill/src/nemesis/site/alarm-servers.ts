import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { canonicalJson } from '@unwind/contracts'
import type { Random } from '../../simulation/engine/random.js'
import { Incidents } from '../check/incidents.js'

interface PagerDutyBody {
  readonly routing_key?: string
  readonly event_action?: string
  readonly dedup_key?: string
  readonly payload?: { readonly summary?: string; readonly severity?: string; readonly group?: string }
}

/** How often a server says 503, and how often it takes a call and breaks the connection before its answer. */
const TROUBLE = { busy: 0.04, cut: 0.04 } as const

/** People's end of the alarms: a model of PagerDuty (Events v2) and a receiver of CloudEvents, with bad moments, that keep what they got. */
export class AlarmServers {
  readonly pager = new Incidents()
  readonly hook = new Incidents()
  /** Rollbacks about which the pager rang. */
  readonly heard = new Set<string>()
  /** What was no event at all: a defect of the sender. */
  readonly malformed: string[] = []
  readonly #routingKey = randomUUID()
  readonly #server: Server

  private constructor(private readonly random: Random) {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(random: Random): Promise<AlarmServers> {
    const servers = new AlarmServers(random)
    await new Promise<void>(resolve => servers.#server.listen(0, '127.0.0.1', resolve))
    return servers
  }

  /** Writes a coordinator's configuration that leads here: told at once, and again by a second level. @returns its path. */
  configuration(folder: string): string {
    mkdirSync(folder, { recursive: true })
    const { port } = this.#server.address() as AddressInfo
    const origin = `http://127.0.0.1:${port}`
    const secret = (name: string, content: string) => {
      writeFileSync(join(folder, name), content, { mode: 0o600 })
      return join(folder, name)
    }
    const channels = {
      pager: {
        kind: 'pagerduty',
        url: `${origin}/v2/enqueue`,
        routingKeyFile: secret('routing-key', this.#routingKey),
        local: true,
      },
      hook: {
        kind: 'webhook',
        url: `${origin}/hook`,
        hmac: { secretFile: secret('hook-secret', randomUUID()) },
        local: true,
      },
    }
    const ladders = [{ levels: [{ notify: ['pager', 'hook'] }, { after: '2s', notify: ['pager'] }] }]
    const file = join(folder, 'escalation.yaml')
    // Every JSON document is a YAML document.
    writeFileSync(file, canonicalJson({ escalation: { channels, ladders } } as never))
    return file
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    // A coordinator is killed in the middle of a call: what did not come whole was not said.
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    if (this.random.chance(TROUBLE.busy)) {
      response.writeHead(503).end()
      return
    }
    const text = Buffer.concat(chunks).toString('utf8')
    const why =
      request.url === '/v2/enqueue'
        ? this.#page(JSON.parse(text) as PagerDutyBody)
        : this.#event(String(request.headers['webhook-id']), JSON.parse(text) as HookBody)
    if (why !== null) this.malformed.push(`${why}: ${text.slice(0, 300)}`)
    if (this.random.chance(TROUBLE.cut)) response.destroy()
    else response.writeHead(why === null ? 202 : 400).end('{}')
  }

  #page({ routing_key, event_action, dedup_key, payload }: PagerDutyBody): string | null {
    if (routing_key !== this.#routingKey) return 'invalid routing key'
    if (!dedup_key || dedup_key.length > 255) return 'dedup_key is missing or too long'
    if (event_action === 'trigger') {
      if (!payload?.summary || payload.summary.length > 1_024) return 'summary is missing or too long'
      if (!['critical', 'error', 'warning', 'info'].includes(payload.severity ?? '')) return 'bad severity'
      if (payload.group) this.heard.add(payload.group)
    }
    return this.pager.take(dedup_key, event_action ?? '', null)
  }

  #event(id: string, { data }: HookBody): string | null {
    return data?.dedupKey ? this.hook.take(data.dedupKey, data.action ?? '', id) : 'not one of our events'
  }
}

interface HookBody {
  readonly data?: { readonly dedupKey?: string; readonly action?: string }
}
