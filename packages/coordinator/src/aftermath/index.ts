export type { AftermathSettings } from './aftermath.js'
export { type AftermathParts, startAftermath } from './start.js'
