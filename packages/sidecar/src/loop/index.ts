// The loop without its surroundings, for the simulator.
export { createAuthority } from '@unwind/runtime'
export { ledgerHistory } from './ledger-history.js'
export { type LoopOptions, SidecarLoop } from './loop.js'
export { Relay, type RelayOptions } from './relay.js'
