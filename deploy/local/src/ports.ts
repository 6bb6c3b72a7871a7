import { createServer } from 'node:net'
import { StartFailed } from './errors.js'

/**
 * Ports come from a range below the ephemeral ones (32768 on Linux, 49152 on macOS). From the ephemeral range, the port of a
 * server that a fault test has killed could be handed to an outgoing connection, and a client that retries a dead port there
 * can even connect to itself.
 */
const FIRST = 20_000
const COUNT = 10_000
const ATTEMPTS = 200

export interface PortOptions {
  readonly random?: () => number
  readonly isFree?: (port: number) => Promise<boolean>
}

/** `count` different ports; a remembered one is taken again if it is free, so that URLs survive a restart of the stack. */
export async function choosePorts(
  count: number,
  remembered: readonly number[] = [],
  options: PortOptions = {},
): Promise<number[]> {
  const random = options.random ?? Math.random
  const isFree = options.isFree ?? canBind
  const chosen: number[] = []
  for (let index = 0; index < count; index++) {
    const old = remembered[index]
    if (old !== undefined && !chosen.includes(old) && (await isFree(old))) {
      chosen.push(old)
      continue
    }
    chosen.push(await freePort(chosen, random, isFree))
  }
  return chosen
}

async function freePort(
  taken: readonly number[],
  random: () => number,
  isFree: (port: number) => Promise<boolean>,
): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(random() * COUNT)
    if (!taken.includes(port) && (await isFree(port))) return port
  }
  throw new Error(`no free port found between ${FIRST} and ${FIRST + COUNT - 1}`)
}

/** Free means: nobody listens on loopback, and nobody on all interfaces either. */
export async function canBind(port: number): Promise<boolean> {
  return (await listens(port, '127.0.0.1')) && (await listens(port, '0.0.0.0'))
}

function listens(port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Runs `start` with fresh ports again when the ports were snatched away in between. */
export async function withPorts<T>(
  count: number,
  remembered: readonly number[],
  start: (ports: number[]) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await choosePorts(count, attempt === 1 ? remembered : [])
    try {
      return await start(ports)
    } catch (error) {
      if (attempt < 3 && error instanceof StartFailed && error.portTaken) continue
      throw error
    }
  }
}
