export { MissingPrerequisite, NameTaken, StartFailed } from './errors.js'
export type {
  BrokerNode,
  KafkaSecurity,
  Part,
  Say,
  ServerHandle,
  SinglePart,
  Stack,
  StackEnv,
  StackOptions,
} from './options.js'
export { ALL_PARTS } from './options.js'
export { prefetch } from './prefetch.js'
export { type Exit, type Launch, type Leashed, launch } from './process.js'
export { startStack } from './stack.js'
