import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Broker, ConnectionPool, type SocketRequest, type WireBroker, type WireLogger } from './internals.js'
import { THROWN_AWAY } from './log-route.js'
import type { Settings } from './settings.js'

/** One broker and the sockets to it, so that a broken one can be thrown away whole. */
export interface Node {
  readonly broker: WireBroker
  readonly sockets: Set<Socket>
  readonly address: string
  /** Thrown away: whoever still holds the broker gets no new socket, which nobody would close. */
  gone: boolean
}

/** Nothing connects yet. @param id null: an address of the configuration, whose ID is not known. */
export function openNode(
  settings: Settings,
  logger: WireLogger,
  host: string,
  port: number,
  id: number | null,
): Node {
  const { clientId, connectTimeoutMs, requestTimeoutMs, ssl, sasl } = settings
  const sockets = new Set<Socket>()
  const connectionPool = new ConnectionPool({
    host,
    port,
    ssl,
    sasl,
    clientId,
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // The driver's own deadlines also throw the connection away, which kafkajs's do not.
    enforceRequestTimeout: false,
    maxInFlightRequests: null,
    logger,
    socketFactory: request => {
      if (node.gone) throw new Error(THROWN_AWAY)
      return openSocket(request, sockets)
    },
  })
  const broker = new Broker({
    connectionPool,
    logger,
    nodeId: id,
    authenticationTimeout: requestTimeoutMs,
    allowAutoTopicCreation: false,
  })
  const node: Node = { broker, sockets, address: `${host}:${port}`, gone: false }
  return node
}

/** kafkajs listens to "error" and "end" only: a plain destroy would leave its requests waiting for ever. */
export function destroyNode(node: Node): void {
  node.gone = true
  for (const socket of node.sockets) socket.destroy(new Error(THROWN_AWAY))
}

function openSocket({ host, port, ssl, onConnect }: SocketRequest, sockets: Set<Socket>): Socket {
  const socket =
    ssl == null
      ? connectTcp({ host, port }, onConnect)
      : connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
  // Without it a request that follows an unanswered one waits for the peer's delayed acknowledgement.
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 30_000)
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}
