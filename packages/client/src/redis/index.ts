export {
  ActionFenced,
  CaptureRefused,
  createRedisCapture,
  type RedisAction,
  type RedisCapture,
  type RedisCaptureOptions,
  type RedisCommand,
  type RedisScripting,
  type RedisWritten,
} from './capture.js'
