export { newRollbackId } from '@unwind/contracts/ids'
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
