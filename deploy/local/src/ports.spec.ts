import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { StartFailed } from './errors.js'
import { canBind, choosePorts, withPorts } from './ports.js'

const allFree = async () => true
const sequence =
  (...values: number[]) =>
  () =>
    values.shift() ?? 0

describe('choosing ports', () => {
  it('stays below the ephemeral range, where an outgoing connection could take the port of a killed server', async () => {
    const low = await choosePorts(1, [], { random: () => 0, isFree: allFree })
    const high = await choosePorts(1, [], { random: () => 0.999999, isFree: allFree })
    expect([...low, ...high]).toEqual([20_000, 29_999])
  })

  it('gives no port twice', async () => {
    const random = sequence(0.5, 0.5, 0.5, 0.6)
    expect(await choosePorts(2, [], { random, isFree: allFree })).toEqual([25_000, 26_000])
  })

  it('takes a remembered port again when it is free, and another one when it is not', async () => {
    const isFree = async (port: number) => port !== 21_001
    const options = { random: () => 0.5, isFree }
    expect(await choosePorts(2, [21_000, 21_001], options)).toEqual([21_000, 25_000])
  })

  it('says so when nothing is free', async () => {
    await expect(choosePorts(1, [], { isFree: async () => false })).rejects.toThrow(/no free port/)
  })

  it('knows a port that somebody listens on', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    expect(await canBind(port)).toBe(false)
    await new Promise(resolve => server.close(resolve))
    expect(await canBind(port)).toBe(true)
  })
})

describe('a port that was taken between choosing and binding', () => {
  it('is replaced by another', async () => {
    const tried: number[] = []
    const port = await withPorts(1, [], async ([port = 0]) => {
      tried.push(port)
      if (tried.length < 3) throw new StartFailed('Redis ended', 'bind: Address already in use')
      return port
    })
    expect(tried).toHaveLength(3)
    expect(port).toBe(tried[2])
  })

  it('is tried three times, and any other failure once', async () => {
    const attempts = { taken: 0, other: 0 }
    await expect(
      withPorts(1, [], async () => {
        attempts.taken++
        throw new StartFailed('Kafka ended', 'java.net.BindException')
      }),
    ).rejects.toThrow(/Kafka ended/)
    await expect(
      withPorts(1, [], async () => {
        attempts.other++
        throw new StartFailed('Kafka ended', 'out of memory')
      }),
    ).rejects.toThrow(/out of memory/)
    expect(attempts).toEqual({ taken: 3, other: 1 })
  })
})
