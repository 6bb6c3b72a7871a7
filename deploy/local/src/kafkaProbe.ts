/**
 * Asks a broker two questions in Kafka's own protocol, by hand: kafkajs may be imported by the runtime package only, and an open
 * port says nothing (a broker listens before it serves).
 * Source: the protocol guide of Apache Kafka 4.1, Metadata v1 and FindCoordinator v1.
 */
import { type Endpoint, exchange } from './tcp.js'

const METADATA = 3
const FIND_COORDINATOR = 10
const API_VERSIONS = 18
const GROUP = 0

/** Resolves when the broker sees `atLeast` living brokers and the coordinator of consumer groups is up. */
export async function probeKafka(endpoint: Endpoint, atLeast: number): Promise<void> {
  const seen = await countBrokers(endpoint)
  if (seen < atLeast) throw new Error(`${seen} of ${atLeast} brokers are registered`)
  // The first such question creates the topic of committed offsets: asked here, so that no test pays for it.
  const code = await findCoordinator(endpoint)
  if (code !== 0) throw new Error(`the group coordinator is not up yet (error ${code})`)
}

/** A weaker check, for a broker that is started again while others may be down. */
export async function probeBroker(endpoint: Endpoint): Promise<void> {
  if ((await countBrokers(endpoint)) === 0) throw new Error('no broker is registered')
}

/** All that a broker says to who has not logged in: which requests it knows. It says so once it serves. */
export async function probeSecuredBroker(endpoint: Endpoint): Promise<void> {
  const answer = await call(endpoint, API_VERSIONS, Buffer.alloc(0))
  const code = answer.readInt16BE(0)
  if (code !== 0) throw new Error(`the broker answers with error ${code}`)
}

/** No topics asked for (an empty array), so the answer is short. */
async function countBrokers(endpoint: Endpoint): Promise<number> {
  const answer = await call(endpoint, METADATA, int32(0))
  return answer.readInt32BE(0)
}

async function findCoordinator(endpoint: Endpoint): Promise<number> {
  const answer = await call(
    endpoint,
    FIND_COORDINATOR,
    Buffer.concat([string('unwind-probe'), Buffer.from([GROUP])]),
  )
  return answer.readInt16BE(4) // after the throttle time
}

/** All requests are used in version 1. The answer starts after the correlation ID. */
function call(endpoint: Endpoint, api: number, body: Buffer): Promise<Buffer> {
  const header = Buffer.concat([int16(api), int16(1), int32(1), string('unwind-local-stack')])
  const request = Buffer.concat([int32(header.length + body.length), header, body])
  return exchange(endpoint, request, received => {
    if (received.length < 4) return undefined
    const length = received.readInt32BE(0)
    if (length < 8 || length > 10_000_000) throw new Error('this is not a Kafka broker')
    return received.length < length + 4 ? undefined : received.subarray(8, length + 4)
  })
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8')
  return Buffer.concat([int16(bytes.length), bytes])
}
