import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EscalationDelivered, LedgerEvent } from '@unwind/contracts'
import {
  type CoordinatorOptions,
  type CoordinatorService,
  dedupKeyOf,
  escalationOptions,
  escalationSection,
} from '@unwind/coordinator'
import { DEFAULT_STALL_OPTIONS } from '@unwind/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChannelCall, ChannelServers, HMAC_SECRET } from '../../support/channel-servers/index.js'
import { Unwind } from '../cli/unwind.js'
import { contractOf, eventually, Scene } from '../coordinator/harness.js'

const SYSTEMS = ['climbing', 'taken', 'down', 'held', 'restarted']
/** The window of the maintenance test: it lies in the future of every alarm of this file, and not far. */
const WINDOW_MS = 2_500

describe('escalation, over a real ledger and local channels', () => {
  const servers = new ChannelServers()
  const folder = mkdtempSync(join(tmpdir(), 'unwind-escalation-'))
  let scene: Scene
  let coordinator: CoordinatorService
  let windowEnds = 0

  const start = (name: string, over: Partial<CoordinatorOptions> = {}) =>
    scene.coordinator(name, {
      ...over,
      stall: { ...DEFAULT_STALL_OPTIONS, absentAfterMs: 100 },
      escalation: escalationOptions(
        escalationSection.parse({
          link: 'https://unwind.example.com/r/{rollbackId}',
          channels: servers.section(folder),
          ladders: [
            {
              systems: ['climbing'],
              levels: [
                { notify: ['chat', 'alerts'] },
                { after: '300ms', notify: ['pager'], who: ['ana'] },
                { after: '600ms', notify: ['mail', 'hook'], who: ['owner', 'lead@example.com'] },
              ],
              // What is due again is told once: so long may a busy machine be late.
              repeat: { every: '3s', times: 1 },
            },
            {
              systems: ['taken'],
              levels: [{ notify: ['pager', 'chat'] }, { after: '2s', notify: ['hook'] }],
            },
            { systems: ['down'], levels: [{ notify: ['hook', 'chat'] }] },
            { systems: ['held'], levels: [{ notify: ['hook'] }] },
            { systems: ['restarted'], levels: [{ notify: ['pager'] }, { after: '2s', notify: ['hook'] }] },
          ],
          maintenance: [
            {
              systems: ['held'],
              from: new Date(windowEnds - 3_600_000).toISOString(),
              to: new Date(windowEnds).toISOString(),
            },
          ],
        }),
        { apiUrl: 'http://127.0.0.1:7300', now: Date.now },
      ),
    })

  beforeAll(async () => {
    await servers.listen()
    scene = await Scene.open(SYSTEMS)
    scene.addKey('user:eve', ['client'])
    for (const name of ['coordinator:one', 'coordinator:two']) scene.addKey(name, ['coordinator'])
    for (const system of SYSTEMS) await scene.publish(contractOf(system, []))
    windowEnds = Date.now() + WINDOW_MS
    coordinator = await start('coordinator:one')
  })
  afterAll(async () => {
    await scene.world.close()
    await servers.stop()
    rmSync(folder, { recursive: true })
  })

  /** A rollback that nobody acts on, and its alarm. */
  async function alarm(system: string) {
    const order = scene.order()
    await scene.record(order, system)
    const rollbackId = await scene.propose(order)
    const { data: raised } = await scene.first(rollbackId, 'EscalationRaised')
    return { order, rollbackId, raised }
  }

  /** An alarm that is raised while the window lasts; a machine that is too busy for that gets a longer one. */
  async function alarmInWindow(lengthMs: number): Promise<string> {
    windowEnds = Date.now() + lengthMs
    await coordinator.stop()
    coordinator = await start('coordinator:one')
    const { rollbackId, raised } = await alarm('held')
    return raised.occurredAt < windowEnds ? rollbackId : alarmInWindow(2 * lengthMs)
  }

  const delivered = (rollbackId: string): readonly EscalationDelivered[] =>
    scene.world
      .of(rollbackId)
      .filter(
        (event): event is Extract<LedgerEvent, { type: 'EscalationDelivered' }> =>
          event.type === 'EscalationDelivered',
      )
      .map(event => event.data)
  const deliveries = (rollbackId: string, count: number) =>
    eventually(
      `${count} notices of ${rollbackId}`,
      async () => delivered(rollbackId),
      all => all.length >= count,
    )
  const about = (calls: readonly ChannelCall[], rollbackId: string) =>
    calls.filter(call => call.text.includes(rollbackId))

  async function takenBy(actor: string, rollbackId: string, escalationId: string) {
    const response = await fetch(`${coordinator.apiUrl}/v1/rollbacks/${rollbackId}/acknowledgements`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ escalationId, actor, reason: 'I look into it' }),
    })
    return { status: response.status, body: (await response.json()) as { detail?: string } }
  }
  const listed = async () => {
    const response = await fetch(`${coordinator.apiUrl}/v1/escalations`)
    const { escalations } = (await response.json()) as { escalations: { rollbackId: string }[] }
    return escalations.map(each => each.rollbackId)
  }

  it('climbs level by level at the moments of the ladder, repeats the highest, and says so to everybody when it is over', async () => {
    const { order, rollbackId, raised } = await alarm('climbing')
    const climbed = await deliveries(rollbackId, 7)
    const from = raised.occurredAt
    expect(climbed.map(each => [each.notice, each.dueAt - from, each.outcome]).sort()).toEqual([
      ['trigger/alerts/0.0', 0, 'delivered'],
      ['trigger/chat/0.0', 0, 'delivered'],
      ['trigger/hook/600.0', 600, 'delivered'],
      ['trigger/hook/600.1', 3_600, 'delivered'],
      ['trigger/mail/600.0', 600, 'delivered'],
      ['trigger/mail/600.1', 3_600, 'delivered'],
      ['trigger/pager/300.0', 300, 'delivered'],
    ])
    for (const { occurredAt, dueAt } of climbed) expect(occurredAt).toBeGreaterThanOrEqual(dueAt)
    const [page] = about(servers.pager.taken, rollbackId)
    expect(page!.at).toBeGreaterThanOrEqual(from + 300)
    expect(page!.body).toMatchObject({
      dedup_key: dedupKeyOf(raised.escalationId),
      links: [{ href: `https://unwind.example.com/r/${rollbackId}` }],
      payload: {
        severity: 'critical',
        component: 'climbing',
        custom_details: {
          done: [],
          verified: [],
          stuck: ['climbing: waiting'],
          why: raised.message,
          'what to do': raised.hint,
          'who can unblock it':
            'climbing team (climbing@example.com) owns climbing; role:operator or role:approver may take it',
          for: ['ana'],
          command: `unwind acknowledge ${rollbackId} ${raised.escalationId} --reason "…"`,
        },
      },
    })
    expect(servers.mail.mails.map(({ to, from: sender }) => ({ to, sender }))).toEqual(
      [0, 1].map(() => ({
        to: ['climbing@example.com', 'lead@example.com'],
        sender: 'unwind@example.com',
      })),
    )
    const [hooked] = about(servers.hook.taken, rollbackId)
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = hooked!.headers
    expect(signature).toBe(
      `v1,${createHmac('sha256', HMAC_SECRET).update(`${id}.${at}.${hooked!.text}`).digest('base64')}`,
    )
    expect(hooked!.body).toMatchObject({
      specversion: '1.0',
      id: `${raised.escalationId}/notice/trigger/hook/600.0`,
      type: 'unwind.escalation.trigger.v1',
      subject: rollbackId,
      data: { stuck: ['climbing: waiting'], level: 3 },
    })
    expect(servers.alerts.firingAt(Date.now())).toContain(raised.escalationId)

    await scene.completed(rollbackId, order, 'climbing')
    await scene.first(rollbackId, 'RollbackClosed')
    const all = await deliveries(rollbackId, 12)
    expect(
      all
        .slice(7)
        .map(each => each.notice)
        .sort(),
    ).toEqual(['alerts', 'chat', 'hook', 'mail', 'pager'].map(channel => `resolve/${channel}`))
    expect(servers.pager.incidents.get(dedupKeyOf(raised.escalationId))).toEqual(['trigger', 'resolve'])
    expect(servers.alerts.firingAt(Date.now() + 1)).not.toContain(raised.escalationId)
    expect(servers.mail.mails.at(-1)!.source).toContain('step climbing is verified')
    expect(await listed()).not.toContain(rollbackId)
    for (const server of [servers.pager, servers.slack, servers.alerts, servers.hook])
      expect(server.refused).toEqual([])
  })

  it('climbs on when somebody takes the alarm who may not, says so, and stops when somebody does who may', async () => {
    const { order, rollbackId, raised } = await alarm('taken')
    const { escalationId } = raised
    await deliveries(rollbackId, 2)
    const refused = await takenBy('user:eve', rollbackId, escalationId)
    const why = `user:eve may not take escalation ${escalationId} of rollback ${rollbackId}, which goes on climbing; it takes role:operator or role:approver`
    expect(refused).toMatchObject({ status: 403, body: { detail: why } })
    const note = await scene.first(rollbackId, 'NoteAdded')
    expect(note.data).toMatchObject({ author: 'coordinator:one', text: why })
    await deliveries(rollbackId, 3)
    expect(about(servers.hook.taken, rollbackId)).toHaveLength(1)
    expect(await listed()).toContain(rollbackId)

    // As the message tells them to.
    const words = ['acknowledge', rollbackId, '--reason', 'I look into it', '--as', 'user:ana']
    const unwind = new Unwind([...words, '--api', coordinator.apiUrl!], { cwd: folder })
    expect({ code: await unwind.ended, err: unwind.err }).toMatchObject({ code: 0 })
    const told = await deliveries(rollbackId, 6)
    expect(
      told
        .slice(3)
        .map(each => each.notice)
        .sort(),
    ).toEqual(['chat', 'hook', 'pager'].map(channel => `acknowledge/${channel}`))
    expect(await listed()).not.toContain(rollbackId)
    await scene.completed(rollbackId, order, 'taken')
    await deliveries(rollbackId, 9)
    expect(servers.pager.incidents.get(dedupKeyOf(escalationId))).toEqual([
      'trigger',
      'acknowledge',
      'resolve',
    ])
  })

  it('keeps what a channel does not take for the moment when it does, and holds up no other', async () => {
    let answers = 0
    servers.hook.down = call => (call.text.includes('"down"') && ++answers <= 2 ? 503 : null)
    const { rollbackId } = await alarm('down')
    const all = await deliveries(rollbackId, 2)
    servers.hook.down = null
    expect(all.map(({ channel, outcome, attempts }) => ({ channel, outcome, attempts }))).toEqual([
      { channel: 'chat', outcome: 'delivered', attempts: 1 },
      { channel: 'hook', outcome: 'delivered', attempts: 3 },
    ])
    expect(about(servers.hook.taken, rollbackId)).toHaveLength(1)
  })

  it('waits for the end of a maintenance window', async () => {
    const rollbackId = await alarmInWindow(WINDOW_MS)
    const [only] = await deliveries(rollbackId, 1)
    expect(only).toMatchObject({ notice: 'trigger/hook/0.0', dueAt: windowEnds })
    expect(about(servers.hook.taken, rollbackId)[0]!.at).toBeGreaterThanOrEqual(windowEnds)
  })

  it('goes on with the next level in another coordinator, and says nothing twice', async () => {
    const { order, rollbackId, raised } = await alarm('restarted')
    await deliveries(rollbackId, 1)
    await coordinator.stop()
    coordinator = await start('coordinator:two')
    const climbed = await deliveries(rollbackId, 2)
    expect(climbed.map(each => [each.notice, each.emitter, each.dueAt - raised.occurredAt])).toEqual([
      ['trigger/pager/0.0', 'coordinator:one', 0],
      ['trigger/hook/2000.0', 'coordinator:two', 2_000],
    ])
    // The end is told by whoever is there when it comes, also where the rollback is closed by then.
    await scene.completed(rollbackId, order, 'restarted')
    await deliveries(rollbackId, 4)
    expect(about(servers.pager.taken, rollbackId)).toHaveLength(2)
    expect(about(servers.hook.taken, rollbackId)).toHaveLength(2)
    expect(servers.pager.incidents.get(dedupKeyOf(raised.escalationId))).toEqual(['trigger', 'resolve'])
  })

  it('is one incident although two coordinators think that the ledger is theirs', async () => {
    const view = { url: scene.redisUrl, prefix: `${scene.prefix}-two` }
    await start('coordinator:one', { group: `${scene.prefix}.two`, view })
    const { rollbackId, raised } = await alarm('taken')
    await deliveries(rollbackId, 2)
    expect((await takenBy('user:ana', rollbackId, raised.escalationId)).status).toBe(202)
    await eventually(
      'both channels know that it was taken',
      async () => new Set(delivered(rollbackId).map(each => each.notice)),
      notices => notices.size === 4,
    )
    expect(servers.pager.incidents.get(dedupKeyOf(raised.escalationId))).toEqual(['trigger', 'acknowledge'])
    const ids = (type: string) =>
      new Set(scene.world.of(rollbackId).flatMap(event => (event.type === type ? event.data.eventId : [])))
    expect([...ids('EscalationRaised')]).toEqual([raised.escalationId])
    expect(ids('EscalationDelivered').size).toBe(4)
  })
})
