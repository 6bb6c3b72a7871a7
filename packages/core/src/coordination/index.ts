export { mayReview, type Review, reviewsOf } from './break-glass.js'
export * from './coordinate.js'
export * from './coordination.js'
export { foldEvent as foldCoordination } from './fold.js'
