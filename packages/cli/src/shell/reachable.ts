import { connect } from 'node:net'

const WITHIN_MS = 3_000

/** Tries to open a connection and closes it again. @returns null when it works, else why not ("ECONNREFUSED"). */
export function whyUnreachable(address: string): Promise<string | null> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  return new Promise(resolve => {
    const socket = connect({ host, port: Number(address.slice(colon + 1)), timeout: WITHIN_MS })
    const end = (why: string | null): void => {
      socket.destroy()
      resolve(why)
    }
    socket.once('connect', () => end(null))
    socket.once('timeout', () => end(`no answer within ${WITHIN_MS / 1_000} s`))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}

/** Whether any broker answers, so that a person hears at once what a driver would retry for minutes. */
export async function brokersAway(brokers: readonly string[]): Promise<string | null> {
  const tried = await Promise.all(
    brokers.map(async broker => [broker, await whyUnreachable(broker)] as const),
  )
  if (tried.some(([, why]) => why === null)) return null
  return tried.map(([broker, why]) => `${broker}: ${why}`).join(', ')
}
