import { readFileSync } from 'node:fs'
import { createConnection, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly tls?: boolean
  /** PEM file of the authority that the server's certificate is held against; absent: the system's. */
  readonly caFile?: string
}

export const PROBE_TIMEOUT_MS = 2_000

/**
 * Sends bytes and collects the answer until `complete` says that it is all there. Rejects when refused, closed too early or
 * silent for too long.
 */
export function exchange<T>(
  endpoint: Endpoint,
  request: Buffer,
  complete: (received: Buffer) => T | undefined,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<T> {
  const { host, port } = endpoint
  return new Promise<T>((resolve, reject) => {
    const socket = endpoint.tls
      ? connectTls({ host, port, ...tlsOptions(endpoint) })
      : createConnection({ host, port })
    let received: Buffer = Buffer.alloc(0)
    const end = (outcome: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      outcome()
    }
    const timer = setTimeout(
      () => end(() => reject(new Error(`no answer from ${host}:${port} within ${timeoutMs} ms`))),
      timeoutMs,
    )
    socket.once(endpoint.tls ? 'secureConnect' : 'connect', () => socket.write(request))
    socket.once('error', error => end(() => reject(error)))
    socket.once('close', () => end(() => reject(new Error(`${host}:${port} closed the connection`))))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      try {
        const answer = complete(received)
        if (answer !== undefined) end(() => resolve(answer))
      } catch (error) {
        end(() => reject(error))
      }
    })
  })
}

function tlsOptions({ host, caFile }: Endpoint): ConnectionOptions {
  // An address is no server name (RFC 6066); the certificate is held against it all the same.
  const name = isIP(host) === 0 ? { servername: host } : {}
  return caFile === undefined ? name : { ...name, ca: readFileSync(caFile) }
}
