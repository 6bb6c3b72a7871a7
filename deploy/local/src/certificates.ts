/**
 * A certificate authority of this stack's own and a certificate of the broker, made with keytool, which every Java runtime has:
 * a secured broker needs no further program.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { MissingPrerequisite } from './errors.js'
import type { Java } from './java.js'
import { findInPath, isExecutable, run } from './tools.js'

export interface Certificates {
  /** PEM: what clients trust. */
  readonly caFile: string
  /** PKCS12 with the broker's key and its chain. */
  readonly keyStore: string
  /** PKCS12 with the authority's certificate. */
  readonly trustStore: string
}

const LIFE = ['-validity', '3650']
/** Loopback names only: the certificate is worth nothing elsewhere. */
const NAMES = 'san=ip:127.0.0.1,ip:0:0:0:0:0:0:0:1,dns:localhost'
const QUICK = ['-J-XX:TieredStopAtLevel=1', '-J-XX:+UseSerialGC', '-J-Xshare:auto']

/** Made once per folder. @param password of the stores; at least six characters. */
export async function makeCertificates(
  folder: string,
  password: string,
  java: Java,
  env: NodeJS.ProcessEnv,
): Promise<Certificates> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = (name: string) => join(folder, name)
  const made = { caFile: file('ca.pem'), keyStore: file('broker.p12'), trustStore: file('trust.p12') }
  if (existsSync(file('complete'))) return made
  const program = keytool(java, env)
  const call = (...args: string[]) =>
    // By the environment: an argument would show the password in the list of processes.
    run(program, [...QUICK, ...args], { env: { ...env, UNWIND_STORE_PASSWORD: password } })
  const store = (name: string) => ['-keystore', file(name), '-storetype', 'PKCS12', ...PASSWORD]
  const pair = ['-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', ...LIFE]
  await Promise.all([
    call(
      ...pair,
      '-alias',
      'ca',
      '-dname',
      'CN=Unwind local authority',
      '-ext',
      'bc:c=ca:true',
      ...store('ca.p12'),
    ),
    call(...pair, '-alias', 'broker', '-dname', 'CN=localhost', '-ext', NAMES, ...store('broker.p12')),
  ])
  await Promise.all([
    call('-exportcert', '-rfc', '-alias', 'ca', '-file', made.caFile, ...store('ca.p12')),
    call('-certreq', '-alias', 'broker', '-file', file('broker.csr'), ...store('broker.p12')),
  ])
  const signed = ['-infile', file('broker.csr'), '-outfile', file('broker.pem')]
  await call('-gencert', '-rfc', '-alias', 'ca', ...signed, ...LIFE, '-ext', NAMES, ...store('ca.p12'))
  const importCa = (name: string) =>
    call('-importcert', '-noprompt', '-alias', 'ca', '-file', made.caFile, ...store(name))
  await Promise.all([importCa('broker.p12'), importCa('trust.p12')])
  await call(
    '-importcert',
    '-noprompt',
    '-alias',
    'broker',
    '-file',
    file('broker.pem'),
    ...store('broker.p12'),
  )

  writeFileSync(file('complete'), '')
  return made
}

const PASSWORD = ['-storepass:env', 'UNWIND_STORE_PASSWORD', '-keypass:env', 'UNWIND_STORE_PASSWORD']

function keytool(java: Java, env: NodeJS.ProcessEnv): string {
  const beside = join(dirname(java.file), 'keytool')
  const found = isExecutable(beside) ? beside : findInPath('keytool', env)
  if (found) return found
  throw new MissingPrerequisite(
    `keytool is missing beside ${java.file}.`,
    'Install a whole Java runtime (Debian and Ubuntu: apt-get install openjdk-17-jre-headless).',
  )
}
