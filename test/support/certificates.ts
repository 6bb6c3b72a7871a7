import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Certificate {
  /** PEM. */
  readonly cert: string
  /** PEM, PKCS #8. */
  readonly key: string
}

/** X.509 certificates for a day, for loopback, in DER by hand: no program and no key in the repository is needed. */
export class Authority implements Certificate {
  readonly cert: string
  readonly key: string
  readonly #name: Buffer
  readonly #key: KeyObject

  constructor(name: string) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#name = commonName(name)
    this.#key = privateKey
    this.key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    this.cert = this.#certify(this.#name, publicKey, extension(BASIC_CONSTRAINTS, sequence(TRUE)))
  }

  /** For 127.0.0.1 as a server, or for whom the name says as a client. */
  issue(name: string): Certificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const loopback = extension(ALTERNATIVE_NAME, sequence(der(0x87, Buffer.from([127, 0, 0, 1]))))
    return {
      cert: this.#certify(commonName(name), publicKey, loopback),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }

  #certify(subject: Buffer, publicKey: KeyObject, more: Buffer): string {
    const hour = 3_600_000
    const validity = sequence(time(Date.now() - hour), time(Date.now() + 24 * hour))
    const version = der(0xa0, der(0x02, Buffer.from([2])))
    const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)]))
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    const body = sequence(
      version,
      serial,
      ECDSA_SHA256,
      this.#name,
      validity,
      subject,
      spki,
      der(0xa3, sequence(more)),
    )
    const signature = der(0x03, Buffer.from([0]), sign('sha256', body, this.#key))
    const text = sequence(body, ECDSA_SHA256, signature).toString('base64')
    return `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  }
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...contents: readonly Buffer[]) => der(0x30, ...contents)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const TRUE = der(0x01, Buffer.from([0xff]))
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))
const BASIC_CONSTRAINTS = oid('551d13')
const ALTERNATIVE_NAME = oid('551d11')

const extension = (id: Buffer, value: Buffer) => sequence(id, der(0x04, value))
const commonName = (name: string) =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))

/** UTCTime: YYMMDDHHMMSSZ. */
function time(at: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`))
}
