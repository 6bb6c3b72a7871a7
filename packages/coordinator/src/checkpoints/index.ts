export { Checkpointer, type CheckpointSettings } from './checkpointer.js'
export { refuseCheckpoint, signCheckpoint } from './signature.js'
export { type Witness, witnessOf } from './witness.js'
