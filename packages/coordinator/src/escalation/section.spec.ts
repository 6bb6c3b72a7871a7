import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@unwind/runtime'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { escalationOptions } from './from-section.js'
import { escalationSection } from './section.js'

const schema = z.strictObject({ escalation: escalationSection })
const context = { apiUrl: 'http://127.0.0.1:7300', now: () => 0 }

function load(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-section-'))
  const file = join(folder, 'coordinator.yaml')
  writeFileSync(file, text)
  try {
    return loadConfig(schema, { file, env: {} }).escalation
  } finally {
    rmSync(folder, { recursive: true })
  }
}

it('the page on escalation shows a configuration that works', async () => {
  const page = readFileSync(new URL('../../../../docs/how-to/escalation.md', import.meta.url), 'utf8')
  const options = escalationOptions(load(/```yaml\n(escalation:[\s\S]*?)```/.exec(page)![1]!), context)
  expect(options.channels.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'pager pagerduty',
    'chat slack',
    'alerts alertmanager',
    'mail email',
    'hook webhook',
  ])
  expect(options.ladders).toEqual([
    {
      systems: ['payments', 'ledger-*'],
      severities: ['critical'],
      rungs: [
        ...['chat', 'alerts', 'hook'].map(channel => ({ afterMs: 0, channel, who: ['owner'] })),
        ...['pager', 'mail'].map(channel => ({
          afterMs: 300_000,
          channel,
          who: ['owner', 'payments-lead@example.com'],
        })),
      ],
      repeat: { everyMs: 900_000, times: 8 },
    },
    {
      systems: ['*'],
      severities: ['warning', 'critical'],
      rungs: [
        { afterMs: 0, channel: 'chat', who: ['owner'] },
        { afterMs: 1_800_000, channel: 'mail', who: ['owner'] },
      ],
      repeat: null,
    },
  ])
  expect(options.maintenance.map(({ when }) => when)).toEqual([
    { kind: 'once', from: Date.UTC(2026, 11, 5, 20), to: Date.UTC(2026, 11, 6, 4) },
    { kind: 'weekly', days: [6, 0], from: 22 * 3_600_000, to: 6 * 3_600_000 },
  ])
  await Promise.all(options.channels.map(channel => channel.close()))
})

it('nothing said is nobody told, with links to the API', () => {
  expect(escalationOptions(load('{}'), context)).toEqual({
    link: 'http://127.0.0.1:7300/v1/rollbacks/{rollbackId}',
    channels: [],
    ladders: [],
    maintenance: [],
  })
})

it.each([
  [
    '{escalation: {ladders: [{levels: [{notify: [pager]}]}]}}',
    /escalation\.ladders.*names the channel "pager"; there are none/s,
  ],
  [
    '{escalation: {channels: {hook: {kind: webhook, url: "https://x.example"}}}}',
    /needs hmac or ed25519, not both/,
  ],
  [
    '{escalation: {channels: {hook: {kind: webhook, hmac: {secretFile: x}}}}}',
    /needs url or urlFile, not both/,
  ],
  ['{escalation: {channels: {pager: {kind: pagerduty, routingKey: abc}}}}', /escalation\.channels\.pager/],
])('%s is refused, naming the key', (text, why) => {
  expect(() => load(text)).toThrow(why)
})
