import { randomBytes, randomUUID } from 'node:crypto'
import { topicNames, type UnwindEvent } from '@unwind/contracts'
import { newRollbackId } from '@unwind/contracts/ids'
import {
  between,
  connectKafkajs,
  createEventSender,
  type EventSender,
  loadSigningKey,
  openRegistry,
  type SigningKey,
  type WrittenAt,
} from '@unwind/runtime'
import { actionFailed, actionRecorded, rollbackProposed } from './events.js'
import type { Action, ActionMap, ClientLog, ClientOptions, Failure, Proposal } from './options.js'
import { WaitingRoom } from './waiting-room.js'

export interface Recorded {
  /** ID under which it stands in the log: pass it on as `causationId` of what follows. */
  readonly actionId: string
  readonly at: WrittenAt
}

export interface Client<Actions extends ActionMap = ActionMap> {
  /**
   * Records something that this system did. Resolves when every in-sync replica has it; records made meanwhile share
   * the next batch, so call without awaiting to go fast, and await before you tell anyone that it is safe.
   * @throws InvalidAction when it cannot be recorded; nothing was sent.
   * @throws BackpressureError when too many wait; nothing was sent.
   * @throws RecordTooLarge when it is above the size limit of a record; nothing was sent.
   * @throws PublishFailed when it is not known whether Kafka has it: call again with the same `actionId`.
   */
  record<Name extends keyof Actions & string>(action: Action<Name, Actions[Name]>): Promise<Recorded>
  /** Records that something failed here. Errors as `record`. */
  recordFailure(failure: Failure): Promise<Recorded>
  /**
   * Proposes that a correlation ID be rolled back; policy and approvals decide. Resolves when the proposal is in the
   * ledger, not when anything was undone. Errors as `record`; after `PublishFailed` call again with the same `rollbackId`.
   */
  propose(proposal: Proposal): Promise<{ readonly rollbackId: string; readonly at: WrittenAt }>
  /** Resolves when all that was recorded before is written or has failed. Failures are told by the calls that made them. */
  flush(): Promise<void>
  /** Takes nothing more, flushes, disconnects. Idempotent. */
  close(): Promise<void>
  /** Records that wait for Kafka now. */
  readonly waiting: number
  /** Principal of the signing key, e.g. "client:checkout". */
  readonly principal: string
}

/** The client was closed; nothing was sent. */
export class ClientClosed extends Error {
  override readonly name = 'ClientClosed'
}

const SILENT: ClientLog = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Connects to Kafka and the registry.
 * @throws KeyFileInvalid when the key cannot be used.
 * @throws RegistryUnavailable or SchemasMissing when events could not be encoded: run `unwind schemas apply`.
 */
export async function createClient<Actions extends ActionMap = ActionMap>(
  options: ClientOptions,
): Promise<Client<Actions>> {
  const key = signingKeyOf(options)
  const topics = topicNames(options.topicPrefix)
  const registry = await openRegistry({
    url: options.registryUrl,
    topics,
    ...(options.registryAuth ? { auth: options.registryAuth } : {}),
  })
  const log = connectKafkajs({
    brokers: options.brokers,
    clientId: options.clientId ?? `unwind-client-${options.system}`,
    logger: options.logger ?? SILENT,
    ...(options.failpoint ? { failpoint: options.failpoint } : {}),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
  })
  const sender = await createEventSender({
    log,
    topics,
    registry,
    key,
    source: `/unwind/client/${options.system}`,
    ...(options.deliveryTimeoutMs === undefined ? {} : { deliveryTimeoutMs: options.deliveryTimeoutMs }),
  })
  return clientOver<Actions>(sender, key, options, () => log.close())
}

function clientOver<Actions extends ActionMap>(
  sender: EventSender,
  key: SigningKey,
  options: ClientOptions,
  disconnect: () => Promise<void>,
): Client<Actions> {
  const { system, failpoint } = options
  const room = new WaitingRoom(options.maxWaiting ?? 10_000, options.whenFull ?? 'reject')
  let closing: Promise<void> | null = null
  const emitter = key.principal

  async function send(event: UnwindEvent, traceparent: string | null): Promise<WrittenAt> {
    if (closing) throw new ClientClosed('the client is closed; nothing was sent')
    await room.enter()
    try {
      return await sender.send(event, { traceparent })
    } finally {
      room.leave()
    }
  }

  return {
    async record(action) {
      const actionId = action.actionId ?? newActionId(system)
      const event = actionRecorded(action, actionId, { system, emitter, now: Date.now() })
      const write = () => send(event, action.traceparent ?? null)
      const at = await (failpoint
        ? between(failpoint, 'client.record.before', 'client.record.after', write)
        : write())
      return { actionId, at }
    },
    async recordFailure(failure) {
      const actionId = failure.actionId ?? newActionId(system)
      const event = actionFailed(failure, actionId, { system, emitter, now: Date.now() })
      return { actionId, at: await send(event, failure.traceparent ?? null) }
    },
    async propose(proposal) {
      const now = Date.now()
      const rollbackId = proposal.rollbackId ?? newRollbackId(now, randomBytes(8))
      const event = rollbackProposed(proposal, rollbackId, { emitter, now })
      const write = () => send(event, proposal.traceparent ?? null)
      const at = await (failpoint
        ? between(failpoint, 'client.propose.before', 'client.propose.after', write)
        : write())
      return { rollbackId, at }
    },
    flush: () => sender.flush(),
    close() {
      closing ??= (async () => {
        await room.empty()
        await sender.close()
        await disconnect()
      })()
      return closing
    },
    get waiting() {
      return room.inside
    },
    principal: key.principal,
  }
}

function newActionId(system: string): string {
  return `${system}:${randomUUID()}`
}

function signingKeyOf({ key, keyFile }: ClientOptions): SigningKey {
  if (key) return key
  if (keyFile) return loadSigningKey(keyFile)
  throw new TypeError('createClient: give keyFile or key; "unwind keys generate" makes one')
}
