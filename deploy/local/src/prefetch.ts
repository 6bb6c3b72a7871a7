import { download } from './download.js'
import { externalOf } from './external.js'
import { KAFKA } from './kafka.js'
import { findMariadb } from './mariadbBinaries.js'
import { ALL_PARTS, type StackOptions } from './options.js'
import { findPostgres, packagedPostgres } from './postgresBinaries.js'
import { findRedis } from './redis.js'
import { REGISTRY } from './registry.js'
import { cacheDirOf } from './stack.js'

/** Downloads what a start would download, and checks that nothing else is missing. Starts nothing. */
export async function prefetch(options: StackOptions): Promise<void> {
  const env = options.env ?? process.env
  const say = options.say ?? (() => undefined)
  const context = { cacheDir: cacheDirOf(options), env, say, signal: options.signal }
  for (const part of options.parts ?? ALL_PARTS) {
    if (externalOf(part, env)) continue
    if (part === 'kafka') await download(KAFKA, context)
    if (part === 'registry') await download(REGISTRY, context)
    if (part === 'redis') await findRedis(context)
    if (part === 'mariadb') await findMariadb(context)
    if (part === 'postgres') await findPostgres({ env, packaged: packagedPostgres() })
  }
}
