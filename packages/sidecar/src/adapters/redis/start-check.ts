import type { Connection } from './connection.js'
import { CallFailed, classify } from './failures.js'
import type { RedisTarget } from './target.js'

const OLDEST = [6, 2] as const

/**
 * Whether Redis is there, new enough, keeps what is written, and lets this user do what undo needs. Nothing is repaired.
 * @returns what is wrong and what to do; null when nothing is.
 */
export async function checkTarget(target: RedisTarget, connection: Connection, reads: Connection) {
  const { layout, options } = target
  try {
    const server = await connection.info('server')
    const version = /^redis_version:(\d+)\.(\d+)/m.exec(server)
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])]
    if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
      return `adapter.url: Redis ${major}.${minor} is too old; 6.2 or newer is needed`
    const clustered = /^redis_mode:cluster/m.test(server)
    if (clustered !== options.cluster)
      return `adapter.cluster: is ${options.cluster}, and the server ${clustered ? 'is part of a cluster' : 'is none of a cluster'}`
    const policy = /^maxmemory_policy:(\S+)/m.exec(await connection.info('memory'))?.[1] ?? 'noeviction'
    if (policy !== 'noeviction')
      return (
        `adapter.url: Redis evicts keys (maxmemory-policy ${policy}), so images and effect records could vanish and an undo ` +
        'could happen twice; set maxmemory-policy noeviction, or undo this system otherwise'
      )
    if (!options.cluster && /^role:slave/m.test(await connection.info('replication')))
      return 'adapter.url: this server is a replica; name the primary here, and the replica in adapter.replica'
    const { signal } = new AbortController()
    const tag = `${target.system}-${process.pid}`
    await connection.run('check', [layout.scratch(tag), `${layout.scratch(tag)}:stream`], [], signal)
    if (options.replica !== undefined) await reads.info('server')
    return null
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    const { message, hint } = classify(error, true)
    return `adapter.url: ${message}. ${hint}`
  }
}
