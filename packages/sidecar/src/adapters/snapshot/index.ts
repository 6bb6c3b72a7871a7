export { createSnapshotAdapter } from './adapter.js'
export { compileSnapshotContract } from './target.js'
