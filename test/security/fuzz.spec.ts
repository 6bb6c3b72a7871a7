import { randomInt } from 'node:crypto'
import { peekHeaders } from '@unwind/contracts'
import {
  createAuthority,
  createEventOpener,
  DEAD_LETTER,
  type IncomingRecord,
  type OutgoingRecord,
} from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HostileShop } from '../e2e/hostile-shop.js'
import { Random } from './fuzz/random.js'
import { spoil } from './fuzz/records.js'
import { badRequest } from './fuzz/requests.js'

/** `npm run fuzz -- --inputs N --seed S` sets both; `npm test` runs a slice with a new seed each time. */
const INPUTS = Number(process.env.UNWIND_FUZZ_INPUTS ?? 3_000)
const SEED = Number(process.env.UNWIND_FUZZ_SEED ?? randomInt(2 ** 31))
const AT_REQUESTS = Math.round(INPUTS / 3)
const AT_TOPICS = INPUTS - AT_REQUESTS
const BATCH = 250
const ROUND = 5_000
/** What all of it may leave behind in this process, megabytes: the same, however many inputs come. */
const MAY_GROW_MB = 500

describe(`${INPUTS} inputs that nobody foresaw (seed ${SEED})`, () => {
  let hostile: HostileShop
  const corpus: OutgoingRecord[] = []
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => void rejections.push(reason)

  beforeAll(async () => {
    console.error(`[fuzz] ${INPUTS} inputs, seed ${SEED}: npm run fuzz -- --inputs ${INPUTS} --seed ${SEED}`)
    process.on('unhandledRejection', onRejection)
    hostile = await HostileShop.open()
    await hostile.expectNormalRollback()
    corpus.push(...(await everything(hostile)))
  }, 120_000)
  afterAll(async () => {
    process.off('unhandledRejection', onRejection)
    await hostile?.site.close()
  })

  it(
    `${AT_TOPICS} records: nobody stops, what is not honest is set aside with its reason, and valid work goes on`,
    async () => {
      const random = new Random(SEED)
      const before = process.memoryUsage().rss
      for (let done = 0; done < AT_TOPICS; done += ROUND)
        await round(random, Math.min(ROUND, AT_TOPICS - done))
      const grown = (process.memoryUsage().rss - before) / 1e6
      console.error(`[fuzz] memory grew by ${grown.toFixed(0)} MB`)
      expect(grown).toBeLessThan(MAY_GROW_MB)
      expect(rejections).toEqual([])
    },
    60_000 + AT_TOPICS * 20,
  )

  /** So many records in the midst of a rollback, which ends as it should; then each is accounted for. */
  async function round(random: Random, inputs: number): Promise<void> {
    const { site, forge } = hostile
    const { topics } = site.world
    const since = Date.now() - 1_000
    const written = new Map<string, string>()
    const { rollbackId, release } = await hostile.underWay()
    for (let done = 0; done < inputs; done += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, inputs - done) }, () =>
        spoil(random, corpus, topics),
      )
      await Promise.all(
        batch.map(async ({ what, record }) => {
          const { offset } = await forge.publish(record)
          if (record.topic === topics.rollback) written.set(String(offset), what)
        }),
      )
    }
    release()
    expect((await site.closed(rollbackId, 120_000)).endState).toBe('RESTORED_VERIFIED')
    await hostile.expectNormalRollback()

    const refused = await judge(hostile, written, since)
    const lettersNow = () => ledgerLetters(site.deadLetters.items, topics.rollback)
    await site.deadLetters.until(
      `${refused.size} dead letters`,
      () => lettersNow().size >= refused.size,
      60_000,
    )
    const letters = lettersNow()
    expect([...letters.keys()].sort(byNumber)).toEqual([...refused.keys()].sort(byNumber))
    for (const [offset, letter] of letters) {
      const what = `${written.get(offset)} at offset ${offset} (seed ${SEED})`
      expect(letter.headers[DEAD_LETTER.code], what).toBe(refused.get(offset))
      const reason = letter.headers[DEAD_LETTER.message]?.length ?? 0
      expect(reason, what).toBeGreaterThan(20)
      expect(reason, what).toBeLessThan(1_300)
    }
    expect(refused.size, 'most of it is not honest').toBeGreaterThan(written.size / 2)
    // What this test itself keeps is not what is measured.
    for (const kept of [site.deadLetters.items, site.log.items, site.world.ledger, site.actions.items])
      kept.length = 0
  }

  it(
    `${AT_REQUESTS} requests: each is answered, none with an error of the server, and valid work goes on`,
    async () => {
      const random = new Random(SEED + 1)
      const url = hostile.coordinator.apiUrl!
      // Fresh ones: under those of the records lie thousands of copies by now, which take long to read.
      const known: string[] = []
      for (let n = 0; n < 20; n++) known.push(hostile.site.order())
      const order = await hostile.shop.buy()
      known.push(order, await hostile.propose(order))
      const tally = new Map<number, number>()
      for (let done = 0; done < AT_REQUESTS; done += 20)
        await Promise.all(
          Array.from({ length: Math.min(20, AT_REQUESTS - done) }, async () => {
            const request = badRequest(random, known)
            const answer = await fetch(url + request.path, {
              ...request,
              signal: AbortSignal.timeout(20_000),
            })
            const text = await answer.text()
            const what = `${request.method} ${request.path.slice(0, 300)} ${request.body?.slice(0, 300)} (seed ${SEED}): ${text.slice(0, 300)}`
            tally.set(answer.status, (tally.get(answer.status) ?? 0) + 1)
            expect(answer.status, what).toBeLessThan(500)
            if (answer.status >= 400) {
              expect(answer.headers.get('content-type'), what).toMatch(/^application\/problem\+json/)
              const problem = JSON.parse(text) as Record<string, unknown>
              expect(problem, what).toMatchObject({ status: answer.status, title: expect.any(String) })
              expect(text, what).not.toMatch(/node_modules|at .*\.ts:\d+/)
            }
          }),
        )
      console.error(
        `[fuzz] answers: ${[...tally]
          .sort()
          .map(([s, n]) => `${n} × ${s}`)
          .join(', ')}`,
      )
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
      await hostile.expectNormalRollback()
      expect(rejections).toEqual([])
    },
    60_000 + AT_REQUESTS * 40,
  )
})

/** Every honest record that lies in the topics. */
async function everything({ site }: HostileShop): Promise<OutgoingRecord[]> {
  const { log, topics } = site.world
  const found: OutgoingRecord[] = []
  await new Promise<void>((resolve, reject) => {
    const reader = log.reader({
      topics: [topics.rollback, topics.actions, topics.contracts],
      from: 'start',
      onRecords: records => {
        for (const { topic, key, value, headers } of records)
          found.push({ topic, key: key ?? '', value: value && Buffer.from(value), headers })
      },
      onCaughtUp: () => void reader.stop().then(resolve, reject),
      onFatal: reject,
    })
    reader.start().catch(reject)
  })
  return found
}

/** What must have become of each record of the ledger: its code, where it must have been refused. */
async function judge(
  { site }: HostileShop,
  written: ReadonlyMap<string, string>,
  since: number,
): Promise<ReadonlyMap<string, string>> {
  const { log, topics, registry } = site.world
  const opener = createEventOpener({ registry })
  const trust = site.world.trust()
  const authority = createAuthority(trust)
  const refused = new Map<string, string>()
  const records: IncomingRecord[] = []
  await new Promise<void>((resolve, reject) => {
    const reader = log.reader({
      topics: [topics.rollback],
      from: { timestampMs: since },
      onRecords: some =>
        void records.push(...some.map(r => ({ ...r, value: r.value && Buffer.from(r.value) }))),
      onCaughtUp: () => void reader.stop().then(resolve, reject),
      onFatal: reject,
    })
    reader.start().catch(reject)
  })
  for (const record of records) {
    if (!written.has(String(record.offset))) continue
    const opened = await opener.open(record)
    if (opened.kind === 'poison') refused.set(String(record.offset), 'poison')
    else {
      const verified = trust.verify(record)
      const taken = verified.ok && authority(opened.event, verified.signer, record) === null
      if (!taken) refused.set(String(record.offset), 'unauthorised')
      else expect(peekHeaders(record.headers).type).toBe(opened.event.type)
    }
  }
  return refused
}

function ledgerLetters(letters: readonly IncomingRecord[], ledger: string): Map<string, IncomingRecord> {
  return new Map(
    letters
      .filter(letter => letter.headers[DEAD_LETTER.topic] === ledger)
      .map(letter => [letter.headers[DEAD_LETTER.offset]!, letter] as const),
  )
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b)
}
