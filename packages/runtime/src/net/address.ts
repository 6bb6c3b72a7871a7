import { type LookupAddress, lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** The name leads to an address that may not be called. Raised before a connection is opened. */
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
REFUSED.addAddress('168.63.129.16', 'ipv4')
REFUSED.addAddress('::', 'ipv6')
REFUSED.addSubnet('fe80::', 10, 'ipv6')
REFUSED.addSubnet('ff00::', 8, 'ipv6')
REFUSED.addAddress('fd00:ec2::254', 'ipv6')
REFUSED.addAddress('fd20:ce::254', 'ipv6')

/**
 * Ways to write an IPv4 address as IPv6, and where in it the address stands (in groups of 16 bits). What is sent to one of these
 * arrives at the IPv4 address where the network translates (RFC 4291, 6052, 8215, 3056).
 */
const CARRIERS: readonly { readonly prefix: readonly number[]; readonly at: number }[] = [
  { prefix: [0, 0, 0, 0, 0, 0xffff], at: 6 },
  { prefix: [0, 0, 0, 0, 0xffff, 0], at: 6 },
  { prefix: [0, 0, 0, 0, 0, 0], at: 6 },
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 },
  { prefix: [0x64, 0xff9b, 1], at: 6 },
  { prefix: [0x2002], at: 1 },
]

export function isRefusedAddress(address: string): boolean {
  return inList(REFUSED, address)
}

function inList(list: BlockList, address: string): boolean {
  const bare = address.split('%', 1)[0]!
  if (isIP(bare) !== 6) return list.check(bare, 'ipv4')
  if (list.check(bare, 'ipv6')) return true
  const groups = groupsOf(bare)
  // "::1" is loopback, not 0.0.0.1.
  if (groups.slice(0, 7).every(group => group === 0)) return false
  return CARRIERS.some(
    ({ prefix, at }) =>
      prefix.every((group, index) => groups[index] === group) &&
      list.check(dotted(groups[at]!, groups[at + 1]!), 'ipv4'),
  )
}

/** The eight groups of a valid IPv6 address, whichever way it is written. */
function groupsOf(address: string): readonly number[] {
  // The URL parser knows all spellings, and writes an IPv4 tail as two groups.
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = plain.split('::')
  const read = (text: string) => (text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16)))
  if (tail === undefined) return read(head)
  const [before, after] = [read(head), read(tail)]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The machine itself and private networks: where a service that people reach from outside never stands. */
const LOCAL = new BlockList()
LOCAL.addSubnet('127.0.0.0', 8, 'ipv4')
LOCAL.addSubnet('10.0.0.0', 8, 'ipv4')
LOCAL.addSubnet('172.16.0.0', 12, 'ipv4')
LOCAL.addSubnet('192.168.0.0', 16, 'ipv4')
LOCAL.addSubnet('100.64.0.0', 10, 'ipv4')
LOCAL.addSubnet('192.0.0.0', 24, 'ipv4')
LOCAL.addSubnet('198.18.0.0', 15, 'ipv4')
LOCAL.addAddress('::1', 'ipv6')
LOCAL.addSubnet('fc00::', 7, 'ipv6')
LOCAL.addSubnet('fec0::', 10, 'ipv6')

/** Whether an address is loopback or private, whichever way it is written. */
export function isLocalAddress(address: string): boolean {
  return inList(LOCAL, address)
}

/** An address written into the URL is never looked up, so it is checked on its own. */
export function assertHostAllowed(url: URL): void {
  assertAddressAllowed(url.hostname.replace(/^\[|\]$/g, ''))
}

/** @throws AddressRefused when the text is an address that may not be called; a name is left to its look-up. */
export function assertAddressAllowed(host: string, isRefused = isRefusedAddress): void {
  if (isIP(host) !== 0 && isRefused(host)) throw refusal(host, host)
}

/** DNS look-up for sockets: what is checked is the address that is then connected to, so a name cannot change in between. */
export const guardedLookup: LookupFunction = lookupGuardedBy(isRefusedAddress)

/** A look-up for sockets that yields no address of which this says true. */
export function lookupGuardedBy(isRefused: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const addresses = error ? [] : (found as LookupAddress[])
      const bad = addresses.find(each => isRefused(each.address))
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
}

function refusal(hostname: string, address: string): AddressRefused {
  const what = hostname === address ? address : `${hostname} resolves to ${address}, which`
  return new AddressRefused(
    `${what} is ${isRefusedAddress(address) ? 'a link-local, metadata, multicast or unspecified' : 'a loopback or private'} address and is ${isRefusedAddress(address) ? 'never' : 'not'} called`,
  )
}

function noAddress(hostname: string): Error {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND', syscall: 'getaddrinfo' })
}
