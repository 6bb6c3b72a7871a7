import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaUser, type Party } from '@unwind/contracts'
import { connectKafkajs, type EventLog } from '@unwind/runtime'
import { bare } from '../../deploy/local/spec/environment.js'
import { type KafkaSecurity, type Stack, startStack } from '../../deploy/local/src/index.js'
import { type KafkaAccess, silent } from '../support/world.js'

/** A Kafka that asks everyone who they are, over TLS, and denies what no rule allows. */
export class SecuredKafka {
  readonly #logs: EventLog[] = []

  private constructor(
    private readonly stack: Stack,
    private readonly security: KafkaSecurity,
    private readonly folder: string,
  ) {}

  static async start(parties: readonly Party[]): Promise<SecuredKafka> {
    const folder = mkdtempSync(join(tmpdir(), 'unwind-secured-'))
    const users = parties.map(kafkaUser)
    const stack = await startStack({ stateDir: folder, parts: ['kafka'], env: bare(), kafkaUsers: users })
    return new SecuredKafka(stack, stack.kafkaSecurity!, folder)
  }

  get brokers(): readonly string[] {
    return this.stack.brokers
  }

  get caFile(): string {
    return this.security.caFile
  }

  /** @param user "admin" may do everything. */
  access(user: string, password = this.security.passwords[user]!): KafkaAccess {
    return {
      brokers: this.brokers,
      ssl: { ca: readFileSync(this.caFile) },
      sasl: { mechanism: 'scram-sha-512', username: user, password },
    }
  }

  /** The same for a process, as its configuration. */
  environment(user: string): NodeJS.ProcessEnv {
    return {
      KAFKA_BROKERS: this.brokers.join(','),
      UNWIND_KAFKA_SSL_ENABLED: 'true',
      UNWIND_KAFKA_SSL_CA_FILE: this.caFile,
      UNWIND_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      UNWIND_KAFKA_SASL_USERNAME: user,
      UNWIND_KAFKA_SASL_PASSWORD: this.security.passwords[user],
    }
  }

  /** A connection as that user; closed at the end. */
  as(user: string): EventLog {
    return this.open(this.access(user))
  }

  open(access: KafkaAccess): EventLog {
    const log = connectKafkajs({ ...access, clientId: 'attacker', logger: silent })
    this.#logs.push(log)
    return log
  }

  async stop(): Promise<void> {
    await Promise.all(this.#logs.map(log => log.close()))
    await this.stack.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
