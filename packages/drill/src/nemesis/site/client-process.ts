import { createClient } from '@unwind/client'
import { CLIENT_FAILPOINTS, createFailpoints, type Failpoint, loadSigningKey } from '@unwind/runtime'

/** What the client process is asked to do; the answer carries the same number. Asked again after a kill, it does the same thing. */
export type ClientJob =
  | {
      readonly n: number
      readonly kind: 'record'
      readonly order: string
      readonly system: string
      readonly action: string
      readonly data: Readonly<Record<string, string | number>>
    }
  | { readonly n: number; readonly kind: 'propose'; readonly order: string; readonly rollbackId: string }

export interface ClientSetup {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly prefix: string
  readonly keyFile: string
}

/** A service of the company, a process of its own. Argument: its setup as JSON. Says "ready", then a number for each job that is done. */
const setup = JSON.parse(process.argv[2]!) as ClientSetup
const failpoint: Failpoint = createFailpoints<string>(CLIENT_FAILPOINTS, process.env)
const client = await createClient({
  brokers: setup.brokers,
  registryUrl: setup.registryUrl,
  topicPrefix: setup.prefix,
  key: loadSigningKey(setup.keyFile),
  system: 'shop',
  maxWaiting: 100_000,
  failpoint,
})
process.on('message', (job: ClientJob) => void work(job))
process.once('disconnect', () => process.exit(0))
process.send?.('ready')

async function work(job: ClientJob): Promise<void> {
  for (;;) {
    try {
      await attempt(job)
      process.send?.(job.n)
      return
    } catch (error) {
      // As the client's page says: after a failure of which the outcome is not known, call again under the same IDs.
      console.error(`job ${job.n} of ${job.order}: ${String(error)}`)
      await new Promise(resolve => setTimeout(resolve, 250))
    }
  }
}

async function attempt(job: ClientJob): Promise<void> {
  if (job.kind === 'propose') {
    await client.propose({
      correlationId: job.order,
      rollbackId: job.rollbackId,
      reason: 'the order failed half-way',
    })
    return
  }
  const { order, system, action, data } = job
  await client.record({ correlationId: order, system, action, data, actionId: `${system}:${order}` })
}
