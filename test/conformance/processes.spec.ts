import { processCases } from '@unwind/sidecar/conformance'
import { afterAll, beforeAll, describe, inject, it } from 'vitest'
import { Company } from './support/company.js'
import { chosenFixtures } from './support/fixtures.js'
import { TestGround } from './support/ground.js'
import { enter } from './support/report.js'

const TIMEOUT_MS = 180_000
const files = await chosenFixtures()
const systemOf = (kind: string, row: number) => `${kind}-p${row}`

/** Each case on each adapter, with sidecar processes of their own that are killed, stopped and started again. */
describe('processes', () => {
  let company: Company
  beforeAll(async () => {
    company = await Company.open(
      files.flatMap(({ kind }) => processCases.map((_, row) => systemOf(kind, row))),
    )
  })
  afterAll(() => company?.close())

  for (const { kind, fixture } of files)
    describe(kind, () => {
      if ('failure' in fixture) {
        it('has a fixture that can be loaded', () => {
          throw fixture.failure
        })
        return
      }
      const ground = new TestGround(fixture, inject('stack'))
      afterAll(() => ground.close())

      // Side by side, a few at a time: each waits mostly for a session to end.
      for (const [row, one] of processCases.entries())
        it.concurrent(
          one.title,
          async context => {
            enter(context, kind, row, one, fixture.features)
            const stage = company.stage(fixture, () => ground.opened(), systemOf(kind, row))
            try {
              await one.run(stage)
            } finally {
              await stage.close()
            }
          },
          TIMEOUT_MS,
        )
    })
})
