export { type Description, describeEvent } from './describe.js'
export * from './digest.js'
export * from './fold.js'
export * from './timeline.js'
