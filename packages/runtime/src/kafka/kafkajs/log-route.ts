import { createLogger, LEVELS, type WireLogger } from './internals.js'
import type { DriverLog } from './settings.js'

/** The same message is passed on once in this time: during an outage kafkajs repeats itself several times a second. */
const REPEAT_MS = 30_000
const REMEMBERED = 100
/** What a socket that the driver itself destroys fails with: nothing to tell anyone. */
export const THROWN_AWAY = 'Connection thrown away'

/**
 * kafkajs's own log, one level lower: what it calls errors are failed attempts, which the driver handles and reports
 * itself. Only message and broker are passed on.
 */
export function routeLog(log: DriverLog): WireLogger {
  const said = new Map<string, number>()
  return createLogger({
    level: LEVELS.WARN,
    logCreator: () => entry => {
      const message = entry.log.message
      if (message.includes(THROWN_AWAY)) return
      const now = Date.now()
      if (now - (said.get(message) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
      if (said.size >= REMEMBERED) said.clear()
      said.set(message, now)
      const fields = { component: `kafkajs ${entry.namespace}`, broker: entry.log.broker }
      if (entry.level === LEVELS.ERROR) log.warn(fields, message)
      else log.info(fields, message)
    },
  })
}
