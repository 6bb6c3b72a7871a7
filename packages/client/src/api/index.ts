export { newRollbackId } from '../record/rollback-id.js'
export {
  type ApiClient,
  type ApiClientOptions,
  type CallOptions,
  createApiClient,
  type FollowOptions,
  type ListFilter,
} from './client.js'
export { ApiProblem, ApiUnreachable } from './problem.js'
export type * from './types.js'
