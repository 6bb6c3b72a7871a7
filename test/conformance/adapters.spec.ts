import { adapterCases, Bench } from '@unwind/sidecar/conformance'
import { afterAll, describe, inject, it } from 'vitest'
import { chosenFixtures } from './support/fixtures.js'
import { TestGround } from './support/ground.js'
import { enter } from './support/report.js'

/** Each case on each adapter, in this process, on the adapter's real target. */
for (const file of await chosenFixtures())
  describe(file.kind, () => {
    const { fixture } = file
    if ('failure' in fixture) {
      it('has a fixture that can be loaded', () => {
        throw fixture.failure
      })
      return
    }
    const ground = new TestGround(fixture, inject('stack'))
    afterAll(() => ground.close())

    for (const [row, one] of adapterCases.entries())
      it(one.title, async context => {
        enter(context, file.kind, row, one, fixture.features)
        const bench = new Bench(fixture, await ground.opened(), `${file.kind}-a${row}`)
        try {
          await one.run(bench)
        } finally {
          await bench.close()
        }
      })
  })
