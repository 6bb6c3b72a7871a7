import { join } from 'node:path'
import type { Recorder } from '../recorder.js'
import type { RunningServer } from './json-server.js'
import { startLoyalty } from './loyalty.js'
import { startPayments } from './payments.js'

export interface ServicesOptions {
  /** Where the services keep their files; the same folder brings back the same state. */
  readonly folder: string
  readonly recorder: Pick<Recorder, 'record'>
  /** Default: any free ports. */
  readonly ports?: { readonly payments?: number; readonly loyalty?: number }
}

/** The two services of the shop that speak HTTP. */
export interface Services {
  readonly payments: RunningServer
  readonly loyalty: RunningServer
  /** Idempotent. */
  stop(): Promise<void>
}

/** Starts both services on loopback. */
export async function startServices({ folder, recorder, ports = {} }: ServicesOptions): Promise<Services> {
  const payments = await startPayments({ file: join(folder, 'payments.jsonl'), port: ports.payments ?? 0 })
  try {
    const loyalty = await startLoyalty(
      { file: join(folder, 'loyalty.jsonl'), port: ports.loyalty ?? 0 },
      recorder,
    )
    let stopped: Promise<void> | null = null
    const stop = async () => {
      await Promise.all([payments.stop(), loyalty.stop()])
    }
    return { payments, loyalty, stop: () => (stopped ??= stop()) }
  } catch (error) {
    await payments.stop()
    throw error
  }
}
