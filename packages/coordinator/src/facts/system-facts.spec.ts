import { beforeEach, describe, expect, it } from 'vitest'
import { SystemFactsSource } from './system-facts.js'

const SECOND = 1_000
const place = { partition: 0, offset: 0n }
let now = 0
let answerAfter: number | null = 0

/** A broker that answers after so long on a clock of the test's own; null: never. */
const admin = {
  async members() {
    if (answerAfter === null) throw new Error('away')
    now += answerAfter
    return { clientIds: ['stock-1'] } as never
  },
  committed: async () => new Map(),
}

function source(): SystemFactsSource {
  const after = (_ms: number, then: () => void) => {
    then()
    return () => {}
  }
  const timers = { after } as never
  const quiet = { warn() {} }
  const groupOf = (system: string) => system
  return new SystemFactsSource({
    admin,
    ledger: 'l',
    announced: () => new Map(),
    groupOf,
    logger: quiet,
    now: () => now,
    timers,
  })
}

const until = async (facts: SystemFactsSource) => (await facts.of(['stock'], place)).brokerOutageUntil

describe('an outage of the broker explains the silence of systems', () => {
  beforeEach(() => {
    now = 1_000 * SECOND
    answerAfter = 0
  })

  it('is none while the broker answers', async () => {
    expect(await until(source())).toBeNull()
  })

  it('lasts a quarter of a minute beyond its end, at least', async () => {
    answerAfter = null
    expect(await until(source())).toBe(now + 15 * SECOND)
  })

  it('lasts as long beyond its end as the broker was away, at most a minute', async () => {
    const facts = source()
    answerAfter = 40 * SECOND
    expect(await until(facts)).toBe(now + 40 * SECOND)
    answerAfter = 300 * SECOND
    expect(await until(facts)).toBe(now + 60 * SECOND)
  })

  it('is one as long as each look finds the broker away, though it fails only after the last one explains nothing', async () => {
    const facts = source()
    answerAfter = null
    for (let asked = 0; asked < 3; asked++) {
      await facts.of(['stock'], place)
      now += 20 * SECOND
    }
    expect(await until(facts)).toBe(now + 60 * SECOND)
  })

  it('begins anew when it comes again later', async () => {
    const facts = source()
    answerAfter = 40 * SECOND
    await facts.of(['stock'], place)
    now += 600 * SECOND
    answerAfter = null
    expect(await until(facts)).toBe(now + 15 * SECOND)
  })
})
