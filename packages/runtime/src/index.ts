export * from './follower/follower.js'
