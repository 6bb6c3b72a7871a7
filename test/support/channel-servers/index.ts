import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AlertmanagerServer, HookServer, PagerDutyServer, SlackServer } from './kinds.js'
import { SmtpServer } from './smtp-server.js'

export * from './http-channel.js'
export * from './kinds.js'
export * from './smtp-server.js'

export const ROUTING_KEY = 'routing-key-of-the-test'
export const HMAC_SECRET = 'secret-of-the-webhook'

/** One local server of each kind. */
export class ChannelServers {
  readonly pager = new PagerDutyServer(ROUTING_KEY)
  readonly slack = new SlackServer()
  readonly alerts = new AlertmanagerServer()
  readonly mail = new SmtpServer()
  readonly hook = new HookServer()

  async listen(): Promise<void> {
    await Promise.all([this.pager, this.slack, this.alerts, this.mail, this.hook].map(s => s.listen()))
  }

  async stop(): Promise<void> {
    await Promise.all([this.pager, this.slack, this.alerts, this.mail, this.hook].map(s => s.stop()))
  }

  /** `escalation.channels` that leads here. @param folder for the files with secrets. */
  section(folder: string): Record<string, object> {
    const file = (name: string, content: string) => {
      const path = join(folder, name)
      writeFileSync(path, `${content}\n`)
      return path
    }
    return {
      pager: {
        kind: 'pagerduty',
        url: this.pager.url,
        routingKeyFile: file('routing-key', ROUTING_KEY),
        local: true,
      },
      chat: { kind: 'slack', urlFile: file('slack-url', this.slack.url), local: true },
      alerts: { kind: 'alertmanager', url: this.alerts.origin, local: true },
      mail: {
        kind: 'email',
        host: '127.0.0.1',
        port: this.mail.port,
        tls: false,
        from: 'Unwind <unwind@example.com>',
        local: true,
      },
      hook: {
        kind: 'webhook',
        url: this.hook.url,
        hmac: { secretFile: file('hook-secret', HMAC_SECRET) },
        local: true,
      },
    }
  }
}
