import { createLogger, LEVELS, type WireLogger } from './internals.js'
import type { DriverLog } from './settings.js'

/** What a socket that the driver itself destroys fails with: nothing to tell anyone. */
export const THROWN_AWAY = 'Connection thrown away'

/**
 * kafkajs's own log, for those who look for it: what it calls errors are single failed attempts, which the driver handles
 * and reports itself, once per trouble. Only message and broker are passed on.
 */
export function routeLog(log: DriverLog): WireLogger {
  return createLogger({
    level: LEVELS.WARN,
    logCreator: () => entry => {
      const { message, broker } = entry.log
      if (!message.includes(THROWN_AWAY))
        log.debug({ component: `kafkajs ${entry.namespace}`, broker }, message)
    },
  })
}
