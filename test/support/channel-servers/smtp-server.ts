import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and text as they came. */
  readonly source: string
  /** Epoch ms. */
  readonly at: number
}

/** A local mail server: takes everything, delivers nothing. */
export class SmtpServer {
  readonly mails: Mail[] = []
  readonly #server: Server = createServer(socket => converse(socket, mail => this.mails.push(mail)))
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.#server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

function converse(socket: Socket, take: (mail: Mail) => void): void {
  let buffer = ''
  let data: string[] | null = null
  let from = ''
  let to: string[] = []
  const say = (line: string) => socket.write(`${line}\r\n`)
  const obey = (line: string) => {
    if (data !== null) {
      if (line !== '.') return void data.push(line.replace(/^\.\./, '.'))
      take({ from, to, source: data.join('\n'), at: Date.now() })
      data = null
      return say('250 taken')
    }
    const verb = line.slice(0, 4).toUpperCase()
    const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
    if (verb === 'MAIL') {
      from = address
      to = []
    } else if (verb === 'RCPT') to.push(address)
    else if (verb === 'DATA') {
      data = []
      return say('354 go on')
    } else if (verb === 'QUIT') {
      say('221 bye')
      return void socket.end()
    }
    say('250 ok')
  }
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    buffer += chunk
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      obey(line)
    }
  })
  say('220 local')
}
