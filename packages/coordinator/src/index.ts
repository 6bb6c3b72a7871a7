export { type CoordinatorConfig, coordinatorConfig, DEFAULT_API_PORT } from './config.js'
export {
  type CoordinatorApiOptions,
  type CoordinatorLogger,
  type CoordinatorOptions,
  type CoordinatorService,
  createCoordinator,
} from './coordinator.js'
export { coordinatorFromConfig, type FromConfigContext } from './from-config.js'
export type { DryRun } from './operations/desk.js'
export type { RollbackLine, RollbackView, ShownPhase, StepView } from './reading/rollback-view.js'
