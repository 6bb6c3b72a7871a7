import { statSync } from 'node:fs'
import { defaultPolicy, type Policy, policyLabel, policySchema } from '@unwind/core'
import { loadConfig } from '@unwind/runtime'

export interface PolicySource {
  /** The policy as it is now. Asked before every decision, so it must be quick. */
  current(): Policy
}

/** A policy that does not change. */
export const fixedPolicy = (policy: Policy = defaultPolicy()): PolicySource => ({ current: () => policy })

/** @throws ConfigError naming file, line and key of everything that is wrong. */
export function readPolicy(file: string): Policy {
  return loadConfig(policySchema, { file, env: {} })
}

/** Looked at so often at most, milliseconds: how long a role that was taken away may still count. */
const LOOK_EVERY_MS = 1_000

/** A `policy.yaml` that may change while the process runs. */
export class PolicyFile implements PolicySource {
  #policy: Policy
  #stamp: string
  #lookedAt: number

  /**
   * @param now monotonic, milliseconds.
   * @throws ConfigError naming file, line and key of everything that is wrong.
   */
  constructor(
    private readonly file: string,
    private readonly logger: {
      info(fields: object, message: string): void
      error(fields: object, message: string): void
    },
    private readonly environment?: string,
    private readonly now: () => number = () => performance.now(),
  ) {
    // Before reading: a change in between is then seen at the next look.
    this.#stamp = stampOf(file)
    this.#policy = this.#read()
    this.#lookedAt = now()
  }

  current(): Policy {
    const now = this.now()
    if (now - this.#lookedAt < LOOK_EVERY_MS) return this.#policy
    this.#lookedAt = now
    const stamp = stampOf(this.file)
    if (stamp === this.#stamp) return this.#policy
    this.#stamp = stamp
    const { file } = this
    const before = policyLabel(this.#policy)
    try {
      this.#policy = this.#read()
      this.logger.info(
        { file, before, policy: policyLabel(this.#policy) },
        'the policy has changed and counts from now on',
      )
    } catch (error) {
      // Without any policy everything would stop, or everything be allowed; the last good one loses only this change.
      this.logger.error(
        { file, before },
        `the policy has changed and cannot be used, the one before it still counts: ${(error as Error).message}`,
      )
    }
    return this.#policy
  }

  #read(): Policy {
    const policy = readPolicy(this.file)
    return this.environment === undefined ? policy : { ...policy, environment: this.environment }
  }
}

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true })
    return `${ino}/${size}/${mtimeNs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}
