import { fileURLToPath } from 'node:url'

export const CACHE = fileURLToPath(new URL('../../../.unwind/cache', import.meta.url))

/** Our environment with the cache of this clone, without the variables that would make a part external. */
export function bare(): NodeJS.ProcessEnv {
  const { KAFKA_BROKERS: _k, SCHEMA_REGISTRY_URL: _s, REDIS_URL: _r, DATABASE_URL: _d, ...rest } = process.env
  return { UNWIND_CACHE_DIR: CACHE, ...rest }
}
