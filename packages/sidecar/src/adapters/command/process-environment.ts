import { readSecret } from '../http/secrets.js'
import type { CommandAdapterOptions } from './options.js'

/** Without a PATH, shell scripts find nothing at all; this one holds no directory that users write to. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface ProcessEnvironment {
  readonly variables: Readonly<Record<string, string>>
  /** Values that must not leave this process. */
  readonly secrets: readonly string[]
}

/**
 * What a program sees of the world: what the contract lists, and nothing else of the sidecar's environment, which holds
 * its signing key's whereabouts and credentials of Kafka.
 * @param own of this process.
 * @throws ContractError when a file of a secret cannot be read.
 */
export async function processEnvironment(
  { environment }: CommandAdapterOptions,
  own: Readonly<Record<string, string | undefined>>,
): Promise<ProcessEnvironment> {
  const passed = environment.pass.flatMap(name => {
    const value = own[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const secrets = await Promise.all(
    Object.entries(environment.secrets).map(
      async ([name, secret]) =>
        [name, await readSecret(secret, `adapter.environment.secrets.${name}`)] as const,
    ),
  )
  return {
    variables: {
      PATH,
      LC_ALL: 'C.UTF-8',
      ...Object.fromEntries(passed),
      ...environment.set,
      ...Object.fromEntries(secrets),
    },
    secrets: secrets.map(([, value]) => value),
  }
}
