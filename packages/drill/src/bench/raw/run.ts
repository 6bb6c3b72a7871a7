import { connectKafkajs } from '@unwind/runtime'
import { startChild, stopChild } from '../child.js'
import { silent } from '../setup.js'
import { type RunFigures, Window } from '../window.js'
import { SYSTEMS } from '../workload.js'
import { loadTemplates, NAME } from './message.js'
import { openPipe } from './pipe.js'

/** Runs the raw choreography: seven processes, `count` rollbacks, `inFlight` open at a time, after a warm-up of the same kind. */
export async function runRaw(options: {
  brokers: readonly string[]
  /** Made for this run. */
  topic: string
  partitions: number
  templateFile: string
  runs: readonly { count: number; inFlight: number }[]
}): Promise<readonly RunFigures[]> {
  const { brokers, topic, templateFile } = options
  const prefix = `raw-${Date.now()}`
  await createTopic(brokers, topic, options.partitions)
  const children = await Promise.all(
    ['coordinator', ...SYSTEMS].map(role =>
      startChild(new URL('./node-process.js', import.meta.url), [
        brokers.join(','),
        topic,
        prefix,
        role,
        templateFile,
      ]),
    ),
  )
  const proposed = loadTemplates(templateFile).get('RollbackProposed')
  if (!proposed) throw new Error(`${templateFile} has no RollbackProposed`)
  let window: Window | undefined
  let run = 0
  const pipe = await openPipe({
    brokers,
    topic,
    groupId: `${prefix}.driver`,
    fromBeginning: false,
    onMessage({ key, name }) {
      const [ofRun, index] = key.split('-').map(Number)
      if (name === 'RollbackClosed' && ofRun === run && index !== undefined) window?.done(index)
    },
  })
  try {
    const figures: RunFigures[] = []
    for (const { count, inFlight } of options.runs) {
      run++
      const of = run
      window = new Window(count, inFlight, index => {
        pipe.send({
          key: `${of}-${index}`,
          value: proposed.value,
          headers: { ...proposed.headers, [NAME]: 'RollbackProposed' },
        })
      })
      figures.push(await window.run(120_000))
    }
    return figures
  } finally {
    await pipe.close()
    await Promise.all(children.map(stopChild))
  }
}

async function createTopic(brokers: readonly string[], topic: string, partitions: number): Promise<void> {
  const log = connectKafkajs({ brokers, clientId: 'bench-raw', logger: silent })
  await (await log.admin()).applyTopics([{ topic, partitions, config: {} }])
  await log.close()
}
