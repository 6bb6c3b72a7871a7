import { expect, it } from 'vitest'
import {
  assertHostAllowed,
  guardedLookup,
  isLocalAddress,
  isRefusedAddress,
  lookupGuardedBy,
} from './address.js'

it.each([
  '169.254.169.254',
  '0.0.0.0',
  '100.100.100.200',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'ff02::1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '0:0:0:0:0:ffff:a9fe:a9fe',
  '::ffff:0:a9fe:a9fe',
  '::169.254.169.254',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '168.63.129.16',
  '::ffff:0.0.0.0',
])('%s is never called', address => {
  expect(isRefusedAddress(address)).toBe(true)
})

it.each([
  '127.0.0.1',
  '::1',
  '10.1.2.3',
  '192.168.1.1',
  '172.16.0.1',
  '93.184.216.34',
  '2606:2800:220:1::1',
  '::ffff:127.0.0.1',
  '64:ff9b::5db8:d822',
  '2002:5db8:d822::1',
])('%s may be called', address => {
  expect(isRefusedAddress(address)).toBe(false)
})

it.each([
  'http://169.254.169.254/',
  'http://2852039166/',
  'http://0xa9.0xfe.0xa9.0xfe/',
  'http://[::ffff:169.254.169.254]/',
  'http://[fe80::1]/',
  'http://0/',
])('%s is refused before any connection, however it is written', url => {
  expect(() => assertHostAllowed(new URL(url))).toThrow('is never called')
})

it('gives one address or all, as the socket asks', async () => {
  const all = await new Promise(resolve =>
    guardedLookup('127.0.0.1', { all: true }, (error, addresses) => resolve([error, addresses])),
  )
  const one = await new Promise(resolve =>
    guardedLookup('127.0.0.1', {}, (error, address, family) => resolve([error, address, family])),
  )
  expect(all).toEqual([null, [{ address: '127.0.0.1', family: 4 }]])
  expect(one).toEqual([null, '127.0.0.1', 4])
})

it('refuses a name by the address that it leads to', async () => {
  const error = await new Promise<Error | null>(resolve =>
    guardedLookup('169.254.169.254', { all: true }, e => resolve(e)),
  )
  expect(error?.message).toBe(
    '169.254.169.254 is a link-local, metadata, multicast or unspecified address and is never called',
  )
})

it.each([
  ['127.0.0.1', true],
  ['127.255.0.3', true],
  ['10.0.0.1', true],
  ['172.31.255.255', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['100.64.0.1', true],
  ['::1', true],
  ['fd12::1', true],
  ['::ffff:10.0.0.1', true],
  ['64:ff9b::c0a8:101', true],
  ['8.8.8.8', false],
  ['2606:4700::1111', false],
])('%s is an address of the own network: %s', (address, local) => {
  expect(isLocalAddress(address)).toBe(local)
})

it('a look-up yields no address that it is told to refuse', async () => {
  const answer = await new Promise(resolve => {
    lookupGuardedBy(isLocalAddress)('localhost', {}, (error, address) => resolve(error ?? address))
  })
  expect(String(answer)).toMatch(
    /localhost resolves to \S+, which is a loopback or private address and is not called/,
  )
})
