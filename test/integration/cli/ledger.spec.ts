import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LedgerEvent } from '@unwind/contracts'
import { type EventSender, generateKey, writeTrustFile } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { World } from '../../support/world.js'
import { Unwind, unwind } from './unwind.js'

const cwd = mkdtempSync(join(tmpdir(), 'unwind-cli-'))
const stack = () => inject('stack')

function environment(prefix: string): Record<string, string> {
  const { brokers, registryUrl } = stack()
  return {
    KAFKA_BROKERS: brokers.join(','),
    SCHEMA_REGISTRY_URL: registryUrl,
    UNWIND_TOPICS_PREFIX: prefix,
    UNWIND_SIGNING_TRUST_FILE: join(cwd, 'trust.json'),
  }
}

describe('topics and schemas', () => {
  const prefix = `c${randomBytes(4).toString('hex')}`
  const run = (...words: string[]) => unwind(words, { cwd, env: environment(prefix) })
  const states = (out: string) => (JSON.parse(out) as { state: string }[]).map(row => row.state)

  test('a dry run creates nothing, "apply" creates, and a second one finds all there', async () => {
    const dry = await run('topics', 'apply', '--partitions', '3', '--dry-run', '-o', 'json')
    expect([dry.code, states(dry.out)]).toEqual([0, Array(5).fill('would be created')])
    const first = await run('topics', 'apply', '--partitions', '3')
    expect([first.code, first.out]).toEqual([
      0,
      [
        'TOPIC                  PARTITIONS  CLEANUP  STATE',
        `${prefix}.actions      3           delete   created`,
        `${prefix}.rollback     3           delete   created`,
        `${prefix}.contracts    1           compact  created`,
        `${prefix}.dead-letter  3           delete   created`,
        `${prefix}.checkpoints  3           delete   created`,
        '',
      ].join('\n'),
    ])
    const second = await run('topics', 'apply', '--partitions', '3', '-o', 'json')
    expect([second.code, states(second.out)]).toEqual([0, Array(5).fill('there already')])
  })

  test('topics that differ are refused, and the difference is named', async () => {
    const { code, out, err } = await run('topics', 'apply', '--partitions', '6')
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`${prefix}.rollback`)
    expect(err).toMatch(/3 .*6|6 .*3/)
  })

  test('schemas are new before "apply", registered after it, and "apply" can be repeated', async () => {
    const check = async () => {
      const { code, out } = await run('schemas', 'check', '-o', 'json')
      const schemas = (JSON.parse(out) as { schemas: { state: string }[] }).schemas
      return { code, states: [...new Set(schemas.map(schema => schema.state))], many: schemas.length }
    }
    const before = await check()
    expect(before).toEqual({ code: 0, states: ['new'], many: before.many })
    const applied = await run('schemas', 'apply')
    expect([applied.code, applied.out.match(/ registered$/gm)?.length]).toEqual([0, before.many])
    expect((await run('schemas', 'apply')).out.match(/ there already$/gm)?.length).toBe(before.many)
    expect(await check()).toEqual({ ...before, states: ['registered'] })
  })
})

describe('tail', () => {
  let world: World
  let trusted: EventSender
  let forger: EventSender
  const prefix = () => world.topics.rollback.replace(/\.rollback$/, '')
  const words = (...more: string[]) => ['tail', ...more]
  const options = () => ({ cwd, env: environment(prefix()) })

  beforeAll(async () => {
    world = await World.open()
    const known = generateKey('coordinator:test', ['coordinator'])
    writeTrustFile(join(cwd, 'trust.json'), [known.publicKey])
    const { signingKey } = await import('@unwind/runtime')
    trusted = await world.sender(signingKey(known.privateKey))
    forger = await world.sender(signingKey(generateKey('coordinator:test', ['coordinator']).privateKey))
  })
  afterAll(() => world.close())

  const note = (correlationId: string, text: string): LedgerEvent => ({
    type: 'NoteAdded',
    data: {
      eventId: `note/${correlationId}/${text}`,
      correlationId,
      rollbackId: `rb-${correlationId}`,
      occurredAt: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
      emitter: 'coordinator:test',
      causationId: null,
      author: 'coordinator:test',
      text,
    },
  })
  const line = (correlationId: string, text: string, mark = '') =>
    `03:04:05.006 coordinator  ${correlationId.padEnd(14)} ${mark}note by coordinator:test: ${text}\n`

  test('an empty ledger has no lines, and without following that is the end', async () => {
    expect(await unwind(words('--since', '1h', '--no-follow'), options())).toEqual({
      code: 0,
      out: '',
      err: '',
    })
    expect(await unwind(words('--correlation', 'order-0', '--no-follow'), options())).toEqual({
      code: 0,
      out: '',
      err: '',
    })
  })

  test('prints what is published while it runs, one line an event, until Ctrl-C', async () => {
    const tail = new Unwind(words('--correlation', 'order-1'), options())
    await trusted.send(note('order-1', 'first'))
    await tail.until('the first line', () => tail.out.includes('first'))
    await trusted.send(note('order-2', 'of another one'))
    await trusted.send(note('order-1', 'second'))
    await tail.until('the second line', () => tail.out.includes('second'))
    expect(await tail.stop()).toBe(0)
    expect(tail.out).toBe(line('order-1', 'first') + line('order-1', 'second'))
    expect(tail.err).toBe('── 2026-01-02 (times are UTC) ──\n')
  })

  test('marks what is signed by a key that nobody trusts, and what cannot be read, and goes on', async () => {
    await forger.send(note('order-3', 'forged'))
    const raw = await world.log.producer()
    await raw.publish({
      topic: world.topics.rollback,
      key: 'order-3',
      value: Buffer.from('garbage'),
      headers: {},
    })
    await raw.close()
    await trusted.send(note('order-3', 'genuine'))
    const { code, out } = await unwind(words('--correlation', 'order-3', '--no-follow'), options())
    const lines = out.split('\n')
    expect([code, lines.length]).toEqual([0, 4])
    expect(lines[0]).toMatch(
      /^03:04:05\.006 coordinator {2}order-3 {8}NOT TRUSTED \(.* is not in the trust store\) note by/,
    )
    expect(lines[1]).toMatch(/^UNREADABLE .*\.rollback/)
    expect(`${lines[2]}\n`).toBe(line('order-3', 'genuine'))
    const json = await unwind(words('--correlation', 'order-3', '--no-follow', '-o', 'json'), options())
    const documents = json.out
      .trimEnd()
      .split('\n')
      .map(text => JSON.parse(text) as { type: string | null; trusted: boolean; signer: string | null })
    expect(documents.map(({ type, trusted: holds, signer }) => [type, holds, signer])).toEqual([
      ['NoteAdded', false, null],
      [null, false, null],
      ['NoteAdded', true, 'coordinator:test'],
    ])
  })

  test('begins where --since says', async () => {
    await trusted.send(note('order-4', 'of now'))
    const all = await unwind(words('--since', '1h', '--no-follow'), options())
    expect(all.out).toContain(line('order-4', 'of now'))
    const future = new Date(Date.now() + 3_600_000).toISOString()
    expect((await unwind(words('--since', future, '--no-follow'), options())).out).toBe('')
  })

  test('without a trust file it says that nothing was checked', async () => {
    const { UNWIND_SIGNING_TRUST_FILE: _, ...env } = environment(prefix())
    const { out, err } = await unwind(words('--correlation', 'order-3', '--no-follow'), { cwd, env })
    expect(err).toContain('warning: signatures are not checked')
    expect(out).not.toContain('NOT TRUSTED')
  })

  test('a topic that is missing says how to have it', async () => {
    const { code, out, err } = await unwind(words('--no-follow', '--prefix', `${prefix()}-none`), options())
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/unwind (topics|schemas) apply/)
  })
})
