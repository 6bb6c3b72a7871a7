import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DeviceLogins } from './device-logins.js'

export interface ProviderKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** An ES256 key pair. */
export function providerKey(kid: string): ProviderKey {
  return { kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) }
}

/** A small identity provider on this machine: discovery, published keys, and tokens with whatever a test wants in them. */
export class IdentityProvider {
  readonly audience = 'unwind'
  keys: ProviderKey[] = [providerKey('one')]
  readonly devices = new DeviceLogins(
    () => this.issuer,
    (name, groups, livesFor) => {
      const claims = this.claims(name, groups)
      return this.token({ ...claims, exp: (claims.iat as number) + livesFor })
    },
  )
  /** How often somebody asked for the keys. */
  asked = 0

  private constructor(
    readonly issuer: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<IdentityProvider> {
    let provider: IdentityProvider | null = null
    const server = createServer(async (request, response) => {
      response.setHeader('content-type', 'application/json')
      if (request.method === 'POST' && provider !== null) {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
        const [status, body] = provider.devices.answer(request.url ?? '', form) ?? [404, {}]
        response.writeHead(status).end(JSON.stringify(body))
        return
      }
      if (request.url === '/jwks') response.end(JSON.stringify({ keys: provider?.published() ?? [] }))
      else if (request.url === '/.well-known/openid-configuration')
        response.end(
          JSON.stringify({
            issuer: provider?.issuer,
            jwks_uri: `${provider?.issuer}/jwks`,
            ...provider?.devices.endpoints,
          }),
        )
      else response.writeHead(404).end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    provider = new IdentityProvider(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      () =>
        new Promise(resolve => {
          server.closeAllConnections()
          server.close(() => resolve())
        }),
    )
    return provider
  }

  published(): object[] {
    this.asked++
    return this.keys.map(({ kid, publicKey }) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg: 'ES256',
      use: 'sig',
    }))
  }

  /** @param now epoch ms. */
  claims(name: string, groups: readonly string[], now = Date.now()): Record<string, unknown> {
    const iat = Math.floor(now / 1_000)
    return { iss: this.issuer, aud: this.audience, sub: name, iat, exp: iat + 300, groups }
  }

  token(claims: object, header: object = {}, key = this.keys[0]!): string {
    const input = `${part({ alg: 'ES256', typ: 'JWT', kid: key.kid, ...header })}.${part(claims)}`
    const bytes = sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    return `${input}.${bytes.toString('base64url')}`
  }
}

/** One part of a token. */
export function part(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url')
}
