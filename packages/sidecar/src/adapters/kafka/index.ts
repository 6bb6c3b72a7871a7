export { createKafkaAdapter } from './adapter.js'
export { kafkaAdapterSchema, kafkaUndoSchema } from './options.js'
export { compileKafkaContract, type KafkaContractProblem } from './target.js'
