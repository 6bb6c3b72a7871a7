export * from './aftermath.js'
export * from './others.js'
export * from './rollbacks.js'
export * from './timelines.js'
