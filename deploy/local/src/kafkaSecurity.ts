/**
 * Kafka as it is meant to run where others share the network: TLS on every listener, one SCRAM user for each principal, and an
 * authoriser that denies what no rule allows. docs/security.md has the same settings for a cluster of one's own.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.js'
import type { Java } from './java.js'
import type { KafkaSecurity } from './options.js'

/** The user of the brokers among themselves, who may do everything. */
export const ADMIN = 'admin'

export interface Secured extends KafkaSecurity {
  readonly storePassword: string
  readonly certificates: Certificates
}

/** Certificates and passwords of this data folder, made once. @param users who get a password besides the admin. */
export async function secure(
  dataDir: string,
  users: readonly string[],
  java: Java,
  env: NodeJS.ProcessEnv,
): Promise<Secured> {
  const storePassword = secretIn(dataDir, 'stores')
  const certificates = await makeCertificates(join(dataDir, 'tls'), storePassword, java, env)
  const passwords = Object.fromEntries(
    [ADMIN, ...users].map(user => [user, secretIn(dataDir, `user-${user}`)] as const),
  )
  return { caFile: certificates.caFile, passwords, storePassword, certificates }
}

/** Settings that stand instead of the plaintext ones. */
export function securitySettings({
  certificates,
  storePassword,
  passwords,
}: Secured): Record<string, string | boolean> {
  const login = (module: string, more = '') =>
    `org.apache.kafka.common.security.${module} required username="${ADMIN}" password="${passwords[ADMIN]}"${more};`
  return {
    'listener.security.protocol.map': 'CONTROLLER:SASL_SSL,SASL_SSL:SASL_SSL',
    'inter.broker.listener.name': 'SASL_SSL',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': login('scram.ScramLoginModule'),
    // SCRAM users are kept in the metadata that the controllers have yet to agree on, so these know each other by a file.
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': login(
      'plain.PlainLoginModule',
      ` user_${ADMIN}="${passwords[ADMIN]}"`,
    ),
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': certificates.keyStore,
    'ssl.keystore.password': storePassword,
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.location': certificates.trustStore,
    'ssl.truststore.password': storePassword,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${ADMIN}`,
    'allow.everyone.if.no.acl.found': false,
  }
}

/** Arguments of the storage tool that put the users into the first metadata. */
export function scramArguments({ passwords }: Secured): string[] {
  return Object.entries(passwords).flatMap(([name, password]) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${password}]`,
  ])
}

/** Letters and digits, so that it needs no quoting anywhere. */
function secretIn(folder: string, name: string): string {
  if (!/^[a-z0-9-]{1,100}$/.test(name))
    throw new Error(`"${name}" is no name of a Kafka user: small letters, digits and "-"`)
  const file = join(folder, `secret-${name}`)
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const secret = randomBytes(18).toString('hex')
  writeFileSync(file, secret, { mode: 0o600 })
  return secret
}
