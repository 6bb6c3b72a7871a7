import { exchange } from './tcp.js'

/** PING, after AUTH when the URL carries a password. */
export async function probeRedis(url: string): Promise<void> {
  const target = new URL(url)
  const user = decodeURIComponent(target.username)
  const password = decodeURIComponent(target.password)
  const commands: string[][] = []
  if (password !== '') commands.push(user === '' ? ['AUTH', password] : ['AUTH', user, password])
  commands.push(['PING'])
  const endpoint = {
    host: target.hostname,
    port: Number(target.port || 6379),
    tls: target.protocol === 'rediss:',
  }
  await exchange(endpoint, Buffer.concat(commands.map(encode)), received => {
    const lines = received.toString('utf8').split('\r\n').slice(0, -1)
    const error = lines.find(line => line.startsWith('-'))
    if (error) throw new Error(`Redis answered ${error.slice(1)}`)
    if (lines.some(line => !line.startsWith('+'))) throw new Error('this is not a Redis server')
    return lines.length === commands.length ? true : undefined
  })
}

function encode(words: readonly string[]): Buffer {
  const parts = words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`)
}
