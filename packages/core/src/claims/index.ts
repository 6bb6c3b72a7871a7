export * from './book.js'
export * from './claim.js'
