import { type DestinationStream, destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino'
import { allowFields, LOG_FIELDS, shown } from './fields.js'

export type Logger = PinoLogger

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LoggerOptions {
  /** The process: "sidecar orders", "coordinator". */
  readonly name: string
  /** Default: info. */
  readonly level?: LogLevel
  /** Further fields that this process may log, flat values only. */
  readonly fields?: readonly string[]
  /** Default: standard error, since standard output is for data. */
  readonly destination?: DestinationStream
}

/**
 * JSON lines. Child loggers carry `correlationId`, `rollbackId`, `step` and `system` onto each line:
 * `logger.child({ rollbackId, step })`. Fields that are not on the list and nested values are never written.
 */
export function createLogger(options: LoggerOptions): Logger {
  const allowed = new Set([...LOG_FIELDS, ...(options.fields ?? [])])
  const filter = (fields: object) => allowFields(fields, allowed)
  const logger = pino(
    {
      name: options.name,
      base: { pid: process.pid },
      level: options.level ?? 'info',
      timestamp: stdTimeFunctions.isoTime,
      // pino's own serialiser for `err` keeps every property of it.
      serializers: { err: (value: unknown) => value },
      formatters: { level: label => ({ level: label }), log: filter },
      hooks: {
        // Values interpolated into the message would pass the list by.
        logMethod([first, second], method) {
          if (typeof first === 'string') method.call(this, shown(first))
          else
            method.call(
              this,
              first instanceof Error ? { err: first } : first,
              shown(messageOf(first, second)),
            )
        },
      },
    },
    options.destination ?? destination({ fd: 2, sync: true }),
  )
  return filterChildren(logger, filter)
}

/** Formatters do not see the fields of child loggers; children inherit these methods, and so do theirs. */
function filterChildren(logger: Logger, filter: (fields: object) => Record<string, unknown>): Logger {
  const child: (this: Logger, fields: object) => Logger = logger.child
  const setBindings: (this: Logger, fields: object) => void = logger.setBindings
  return Object.assign(logger, {
    child(this: Logger, fields: object): Logger {
      return child.call(this, filter(fields))
    },
    setBindings(this: Logger, fields: object): void {
      setBindings.call(this, filter(fields))
    },
  })
}

function messageOf(first: unknown, second: unknown): string {
  if (typeof second === 'string') return second
  return first instanceof Error ? first.message : ''
}

/** For tests and tools that talk themselves: writes nothing. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' })
}
