/** Redis, without persistence: it holds views only, and these are rebuilt from Kafka. */
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PartContext } from './context.js'
import { type Download, type DownloadContext, download } from './download.js'
import { MissingPrerequisite } from './errors.js'
import { withPorts } from './ports.js'
import { probeRedis } from './redisProbe.js'
import type { SinglePartStarted } from './registry.js'
import { Server } from './server.js'
import { findInPath } from './tools.js'

export const REDIS: Download = {
  name: 'redis-6.2',
  label: 'Redis 6.2',
  megabytes: 14,
  goal: 'unpack@redis',
  growsIn: 'com/github/codemonstur',
}

export async function startRedis(context: PartContext): Promise<SinglePartStarted> {
  const binary = await findRedis(context)
  return withPorts(1, context.ports, async ([port = 0]) => {
    const url = `redis://127.0.0.1:${port}`
    const server = new Server({
      label: 'Redis',
      port,
      readyWithinMs: 10_000,
      stopWithinMs: 3_000,
      launch: () => ({
        command: binary,
        args: [
          ...['--bind', '127.0.0.1'],
          ...['--port', String(port)],
          ...['--save', ''],
          ...['--appendonly', 'no'],
          // A view that silently loses keys would be a wrong view: rather refuse writes.
          ...['--maxmemory-policy', 'noeviction'],
          ...['--dir', context.dataDir],
        ],
        cwd: context.dataDir,
        env: context.env,
        logFile: join(context.logDir, 'redis.log'),
      }),
      probe: () => probeRedis(url),
    })
    await server.startUnder(context.signal)
    return { server, url }
  })
}

/** The one in PATH, else the one that is packed into a Maven artefact. */
export async function findRedis(context: DownloadContext): Promise<string> {
  const inPath = findInPath('redis-server', context.env)
  if (inPath) return inPath
  const suffix = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  if (!['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'].includes(suffix)) {
    throw new MissingPrerequisite(
      `Redis is missing: no \`redis-server\` in PATH, and none can be downloaded for ${suffix}.`,
      'Install it with your package manager, or point REDIS_URL at a server that already runs.',
    )
  }
  const folder = await download(REDIS, context)
  const file = readdirSync(folder).find(name => name.startsWith('redis-server') && name.endsWith(suffix))
  if (!file) throw new Error(`${folder} holds no Redis for ${suffix}: delete it, and it is downloaded again`)
  const binary = join(folder, file)
  chmodSync(binary, 0o755)
  return binary
}
