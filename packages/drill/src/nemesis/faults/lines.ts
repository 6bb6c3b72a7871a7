import { API, FaultyProxy } from '@unwind/runtime/faulty-proxy'
import { Random } from '../../simulation/engine/random.js'
import { check } from '../report.js'
import type { Section } from '../section.js'
import { sleep } from '../site/wait.js'
import { onStage } from '../stage.js'
import { underTraffic } from './under-traffic.js'

const ROUNDS = 40
const PAUSE_MS = { least: 100, most: 600 }
/** Longer than a heartbeat, shorter than a request's deadline. */
const DELAY_MS = { least: 50, most: 3_000 }

/** The brokers' answers to sends get lost or come late: a record may be there twice, and nobody may act on it twice. */
export const lines: Section = {
  name: 'lines',
  about: 'lost and delayed Produce answers, through a proxy that knows the framing',
  async run(context) {
    let line: FaultyProxy | undefined
    const endpoints = async (stack: { brokers: string[]; registryUrl: string; redisUrl: string }) => {
      line = await FaultyProxy.start(stack.brokers)
      return { brokers: line.addresses, registryUrl: stack.registryUrl, redisUrl: stack.redisUrl }
    }
    try {
      return await onStage('lines', context, { endpoints, site: { branches: 2 } }, ({ site }) =>
        underTraffic('lines', site, context, {}, async ({ progress }) => {
          const random = new Random(context.seed, 11)
          await progress(10)
          for (let round = 0; round < ROUNDS; round++) {
            if (random.chance(0.5)) line!.swallowNextAnswers(API.produce, random.between(1, 4))
            else
              line!.delayNextAnswers(
                API.produce,
                random.between(1, 4),
                random.between(DELAY_MS.least, DELAY_MS.most),
              )
            await sleep(random.between(PAUSE_MS.least, PAUSE_MS.most))
          }
          await progress(10)
          const { swallowed, delayed } = line!
          return [
            check('lines: answers to sends were lost', swallowed >= ROUNDS / 2, `${swallowed}`),
            check('lines: answers to sends came late', delayed >= ROUNDS / 4, `${delayed}`),
          ]
        }),
      )
    } finally {
      await line?.stop()
    }
  },
}
