import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { checkExternal, externalOf, splitBrokers } from './external.js'
import { probeKafka } from './kafkaProbe.js'
import { probeRedis } from './redisProbe.js'
import { probeRegistry } from './registryProbe.js'

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function tcp(onData: (socket: Socket, data: Buffer) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('data', data => onData(socket, data))
    socket.on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  open.push(server)
  await new Promise(resolve => server.once('listening', resolve))
  return (server.address() as { port: number }).port
}

async function http(status: number, body: string, seen: string[] = []): Promise<number> {
  const server = createHttpServer((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization ?? ''}`)
    response.writeHead(status).end(body)
  }).listen(0, '127.0.0.1')
  open.push(server)
  await new Promise(resolve => server.once('listening', resolve))
  return (server.address() as { port: number }).port
}

describe('Redis', () => {
  it('answers PING, also in pieces', async () => {
    const port = await tcp(socket => {
      socket.write('+PO')
      setTimeout(() => socket.write('NG\r\n'), 10)
    })
    await expect(probeRedis(`redis://127.0.0.1:${port}`)).resolves.toBeUndefined()
  })

  it('gets user and password, and its refusal is repeated', async () => {
    let received = ''
    const port = await tcp((socket, data) => {
      received += data.toString()
      socket.write('-WRONGPASS invalid\r\n')
    })
    await expect(probeRedis(`redis://me:p%40ss@127.0.0.1:${port}/0`)).rejects.toThrow('WRONGPASS invalid')
    expect(received).toContain('$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\np@ss\r\n')
  })

  it('is told from another server', async () => {
    const port = await tcp(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expect(probeRedis(`redis://127.0.0.1:${port}`)).rejects.toThrow('not a Redis server')
  })
})

describe('Kafka', () => {
  it('is told from another server', async () => {
    const port = await tcp(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expect(probeKafka({ host: '127.0.0.1', port }, 1)).rejects.toThrow('not a Kafka broker')
  })

  it('is not ready before all brokers are registered', async () => {
    const port = await tcp(socket => socket.write(Buffer.from('0000000c000000010000000100000000', 'hex')))
    await expect(probeKafka({ host: '127.0.0.1', port }, 3)).rejects.toThrow('1 of 3 brokers are registered')
  })
})

describe('the schema registry', () => {
  it('gets credentials as a header, and a trailing slash does no harm', async () => {
    const seen: string[] = []
    const port = await http(200, '["a"]', seen)
    await probeRegistry(`http://me:secret@127.0.0.1:${port}/api/`)
    expect(seen).toEqual([`/api/subjects Basic ${Buffer.from('me:secret').toString('base64')}`])
  })

  it('is told from a page, and its status is repeated', async () => {
    const page = await http(200, '<html>')
    await expect(probeRegistry(`http://127.0.0.1:${page}`)).rejects.toThrow('not a Confluent-compatible')
    const error = await http(503, '')
    await expect(probeRegistry(`http://127.0.0.1:${error}`)).rejects.toThrow('503')
  })
})

describe('a variable that names an external server', () => {
  it('counts when it says something', () => {
    expect(externalOf('redis', {})).toBeUndefined()
    expect(externalOf('redis', { REDIS_URL: ' ' })).toBeUndefined()
    expect(externalOf('registry', { SCHEMA_REGISTRY_URL: 'http://u:p@host/api/' })).toEqual({
      value: 'http://u:p@host/api',
      shown: 'http://***@host/api/',
    })
    expect(splitBrokers('a:1, b:2,')).toEqual(['a:1', 'b:2'])
  })

  it('and does not answer is named, without its password', async () => {
    const failure = checkExternal('redis', 'redis://:secret@127.0.0.1:1', 0)
    await expect(failure).rejects.toThrow(
      /^REDIS_URL names redis:\/\/\*\*\*@127.0.0.1:1, which does not answer/,
    )
  })

  it('may name several brokers, of which one must answer', async () => {
    await expect(checkExternal('kafka', '127.0.0.1:1,127.0.0.1:2', 0)).rejects.toThrow(/KAFKA_BROKERS names/)
  })
})
