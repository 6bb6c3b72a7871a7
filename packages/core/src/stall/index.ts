export * from './escalation.js'
export * from './stall.js'
export * from './stalls.js'
