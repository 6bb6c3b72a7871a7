import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { peekHeaders } from '@unwind/contracts'
import type { EventLog } from '@unwind/runtime'
import { type BenchSite, topicsOf } from './setup.js'

/** What ends with the section, in the order in which it was opened. */
export type Closers = (() => Promise<unknown>)[]

/** A webhook's receiver, which keeps the ID of each event. */
export async function receiver(closers: Closers) {
  const taken = new Set<string>()
  let changed: () => void = () => undefined
  const server = createServer((incoming, answer) => {
    incoming.resume()
    incoming.once('end', () => {
      taken.add(String(incoming.headers['webhook-id']))
      answer.writeHead(204).end()
      changed()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    /** @returns when the last one came, epoch ms. @param giveUpAt epoch ms. */
    until: (count: number, giveUpAt: number) =>
      new Promise<number>((resolve, reject) => {
        const why = () => reject(new Error(`${taken.size} of ${count} escalations were delivered in time`))
        const timer = setTimeout(why, giveUpAt - Date.now())
        changed = () => {
          if (taken.size < count) return
          clearTimeout(timer)
          resolve(Date.now())
        }
        changed()
      }),
  }
}

/** A member of the sidecar's group that takes no notice of anything: somebody is there, and nothing happens. */
export async function standIn(
  site: BenchSite,
  log: EventLog,
  system: string,
  closers: Closers,
): Promise<void> {
  const { rollback } = topicsOf(site)
  const consumer = log.consumer({
    groupId: `${rollback}.sidecar.${system}`,
    topics: [rollback],
    handlers: { onRecords() {}, onAssigned() {}, onFatal: fail },
  })
  await consumer.start()
  closers.push(() => consumer.stop())
}

/** Sees each escalation as it is appended. */
export async function watchRaised(site: BenchSite, log: EventLog, closers: Closers) {
  /** By rollback: when its first escalation was appended, epoch ms of the broker. */
  const at = new Map<string, number>()
  let changed: () => void = () => undefined
  const reader = log.reader({
    topics: [topicsOf(site).rollback],
    from: 'end',
    onRecords(records) {
      for (const record of records) {
        const { type, rollbackId } = peekHeaders(record.headers)
        if (type === 'EscalationRaised' && rollbackId !== null && !at.has(rollbackId))
          at.set(rollbackId, record.timestamp)
      }
      changed()
    },
    onFatal: fail,
  })
  await reader.start()
  closers.push(() => reader.stop())
  return {
    at,
    /** @param giveUpAt epoch ms. */
    until: (count: number, giveUpAt: number) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${at.size} of ${count} rollbacks were escalated in time`)),
          giveUpAt - Date.now(),
        )
        changed = () => {
          if (at.size < count) return
          clearTimeout(timer)
          resolve()
        }
        changed()
      }),
  }
}

function fail(error: Error): never {
  throw error
}
