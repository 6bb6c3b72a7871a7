import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** A Redis of a test's own, of the same build as the stack's: permissions, memory limits and cluster mode are the server's. */
export class RedisServer {
  readonly admin: Redis

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly port: number,
    password: string | undefined,
  ) {
    const auth = password === undefined ? {} : { password }
    this.admin = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, ...auth })
  }

  /** @param stackUrl of the stack's Redis: it says where its program lies. */
  static async start(stackUrl: string, ...options: string[]): Promise<RedisServer> {
    const stack = new Redis(stackUrl)
    const executable = /^executable:(\S+)/m.exec(await stack.info('server'))?.[1]
    stack.disconnect()
    if (!executable) throw new Error('the Redis of the stack does not say where its program lies')
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'unwind-redis-'))
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      folder,
    ]
    const child = spawn(executable, [...args, ...options], { stdio: 'ignore' })
    const guarded = options.indexOf('--requirepass')
    const password = guarded < 0 ? undefined : options[guarded + 1]
    const server = new RedisServer(child, folder, port, password)
    server.admin.on('error', () => undefined)
    await server.admin.ping()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    this.admin.disconnect()
    const ended = new Promise(resolve => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
