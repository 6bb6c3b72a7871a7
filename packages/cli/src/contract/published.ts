import type { ContractPublished } from '@unwind/contracts'
import type { EventLog } from '@unwind/runtime'
import type { Judge } from '../tail/judge.js'

/**
 * What the contracts topic holds of one system, oldest first; the last one is in force. What nobody may publish is passed
 * over, as the coordinator does. The topic is compacted, so old versions may be gone.
 */
export async function publishedContracts(
  log: EventLog,
  topic: string,
  judge: Judge,
  system: string,
): Promise<readonly ContractPublished[]> {
  const found: ContractPublished[] = []
  let queue: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    const reader = log.reader({
      topics: [topic],
      from: 'start',
      onRecords(records) {
        for (const record of records)
          queue = queue.then(async () => {
            if (record.value === null) return
            const { event, distrust } = await judge.judge(record)
            if (event?.type === 'ContractPublished' && event.data.system === system && distrust === null)
              found.push(event.data)
          })
      },
      onCaughtUp: () => {
        reader
          .stop()
          .then(() => queue)
          .then(resolve, reject)
      },
      onFatal: reject,
    })
    reader.start().catch(reject)
  })
  return found
}
