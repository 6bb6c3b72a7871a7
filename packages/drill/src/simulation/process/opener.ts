import type { EventOpener, IncomingRecord, Opened } from '@unwind/runtime'
import { RegistryUnavailable } from '@unwind/runtime'
import type { SimRecord } from '../log/record.js'
import type { FaultBook } from '../scenario/fault-book.js'
import type { Process } from './process.js'

/** Decoding, as far as a loop can tell: at once, after asking the registry, never, or not now. */
export function simOpener(process: Process, faults: FaultBook): EventOpener {
  return {
    open(record: IncomingRecord): Opened | Promise<Opened> {
      const { event, topic, partition, offset } = record as SimRecord
      if (event === null) {
        const message = `${topic} partition ${partition} offset ${offset}: nobody can read it`
        return { kind: 'poison', code: 'poison', message, record }
      }
      const opened: Opened = {
        kind: 'event',
        event,
        position: { topic, partition, offset },
        version: 1,
        traceparent: null,
        record,
      }
      if (faults.take('registry-away', process.name))
        return Promise.reject(new RegistryUnavailable('the registry does not answer'))
      if (!faults.take('unknown-schema', process.name)) return opened
      return process.answer(20, () => opened)
    },
  }
}
