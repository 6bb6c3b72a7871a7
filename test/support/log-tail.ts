import { Tail } from './tail.js'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: object
}

/** What the processes of a test say, so that a test can hold them to saying it. */
export class LogTail extends Tail<LogLine> {
  constructor() {
    super('the log', line => `${line.level} ${line.message} ${JSON.stringify(line.fields)}`)
  }

  readonly logger = {
    debug: (fields: object, message: string) => this.#take('debug', fields, message),
    info: (fields: object, message: string) => this.#take('info', fields, message),
    warn: (fields: object, message: string) => this.#take('warn', fields, message),
    error: (fields: object, message: string) => this.#take('error', fields, message),
  }

  #take(level: LogLine['level'], fields: object, message: string): void {
    this.push({ level, message, fields })
  }
}
