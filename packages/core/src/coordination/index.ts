export * from './coordinate.js'
export * from './coordination.js'
