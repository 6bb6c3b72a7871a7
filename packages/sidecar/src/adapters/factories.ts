import { type Adapter, type AdapterContext, ContractError } from '../adapter/port.js'

export type AdapterFactory = (context: AdapterContext) => Adapter | Promise<Adapter>

/** Every kind of system that a contract can name in `adapter.kind`. Loaded when it is needed: a sidecar has one kind only. */
export const ADAPTERS: Readonly<Record<string, AdapterFactory>> = {
  command: async context => (await import('./command/index.js')).createCommandAdapter(context),
  flags: async context => (await import('./flags/index.js')).createFlagsAdapter(context),
  config: async context => (await import('./config/index.js')).createConfigAdapter(context),
  http: async context => (await import('./http/index.js')).createHttpAdapter(context),
  mariadb: async context => (await import('./mysql/index.js')).createMysqlAdapter(context),
  mysql: async context => (await import('./mysql/index.js')).createMysqlAdapter(context),
  kafka: async context => (await import('./kafka/index.js')).createKafkaAdapter(context),
  redis: async context => (await import('./redis/index.js')).createRedisAdapter(context),
  postgres: async context => (await import('./postgres/index.js')).createPostgresAdapter(context),
  snapshot: async context => (await import('./snapshot/index.js')).createSnapshotAdapter(context),
}

/** @throws ContractError when the contract names a kind that this sidecar does not have. */
export async function createAdapter(
  context: AdapterContext,
  kinds: Readonly<Record<string, AdapterFactory>> = ADAPTERS,
): Promise<Adapter> {
  const { kind } = context.contract.adapter
  const factory = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (factory) return factory(context)
  const known = Object.keys(kinds).sort().join(', ')
  throw new ContractError(
    `contract ${context.contract.system}: adapter.kind "${kind}" is not known; this sidecar has ${known}`,
  )
}
