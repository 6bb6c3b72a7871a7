import { type LookupAddress, lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** The name leads to an address that no sidecar may call. Raised before a connection is opened. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
  readonly code = 'UNWIND_ADDRESS_REFUSED'
}

/**
 * Never a system that takes part in a business transaction, always a way to credentials of the machine: unspecified,
 * link-local (cloud metadata), multicast, and metadata services outside link-local. Private and loopback addresses are
 * allowed: a sidecar stands beside its system.
 */
const REFUSED = new BlockList()
REFUSED.addSubnet('0.0.0.0', 8, 'ipv4')
REFUSED.addSubnet('169.254.0.0', 16, 'ipv4')
REFUSED.addSubnet('224.0.0.0', 3, 'ipv4')
REFUSED.addAddress('100.100.100.200', 'ipv4')
REFUSED.addAddress('192.0.0.192', 'ipv4')
REFUSED.addAddress('::', 'ipv6')
REFUSED.addSubnet('fe80::', 10, 'ipv6')
REFUSED.addSubnet('ff00::', 8, 'ipv6')
REFUSED.addAddress('fd00:ec2::254', 'ipv6')
REFUSED.addAddress('fd20:ce::254', 'ipv6')

const MAPPED_V4 = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i

export function isRefusedAddress(address: string): boolean {
  const bare = address.split('%', 1)[0]!
  const mapped = MAPPED_V4.exec(bare)
  if (mapped)
    return isRefusedAddress(
      mapped[1] ?? dotted(Number.parseInt(mapped[2]!, 16), Number.parseInt(mapped[3]!, 16)),
    )
  return REFUSED.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4')
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** An address written into the URL is never looked up, so it is checked on its own. */
export function assertHostAllowed(url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && isRefusedAddress(host)) throw refusal(host, host)
}

/** DNS look-up for sockets: what is checked is the address that is then connected to, so a name cannot change in between. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, found) => {
    const addresses = error ? [] : (found as LookupAddress[])
    const bad = addresses.find(each => isRefusedAddress(each.address))
    const first = addresses[0]
    if (error || bad || !first) {
      callback(error ?? (bad ? refusal(hostname, bad.address) : noAddress(hostname)), '', 0)
    } else if (options.all) {
      callback(null, addresses)
    } else {
      callback(null, first.address, first.family)
    }
  })
}

function refusal(hostname: string, address: string): AddressRefused {
  const what = hostname === address ? address : `${hostname} resolves to ${address}, which`
  return new AddressRefused(
    `${what} is a link-local, metadata, multicast or unspecified address and is never called`,
  )
}

function noAddress(hostname: string): Error {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND', syscall: 'getaddrinfo' })
}
