export {
  Checkpointer,
  type CheckpointSettings,
  refuseCheckpoint,
  signCheckpoint,
  type Witness,
  witnessOf,
} from './checkpoints/index.js'
export { type CoordinatorConfig, coordinatorConfig, DEFAULT_API_PORT, KAFKA_LIMITS } from './config.js'
export { createCoordinator } from './coordinator.js'
export * from './escalation/index.js'
export { coordinatorFromConfig, type FromConfigContext } from './from-config.js'
export type { DryRun } from './operations/proposals.js'
export type {
  CoordinatorApiOptions,
  CoordinatorLogger,
  CoordinatorOptions,
  CoordinatorService,
} from './options.js'
