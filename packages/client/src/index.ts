export * from './api/index.js'
export { type Client, ClientClosed, createClient, type Recorded } from './record/client.js'
export { type Identifiers, InvalidAction, MAX_DATA_BYTES } from './record/identifiers.js'
export type {
  Action,
  ActionMap,
  ClientLog,
  ClientOptions,
  Failure,
  Proposal,
  Traced,
} from './record/options.js'
export { BackpressureError } from './record/waiting-room.js'
