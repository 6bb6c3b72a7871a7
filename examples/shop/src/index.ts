export type { Consistency, OrderState, Verdict } from './consistency.js'
export { contractFile, SHOP_SYSTEMS, type ShopSystem } from './contracts.js'
export { createDatabases } from './databases.js'
export type { Order, OrderLine } from './order.js'
export type { Recorder, ShopAction } from './recorder.js'
export { type Services, type ServicesOptions, startServices } from './services/start.js'
export type { Grant, Payment } from './services/wire.js'
export {
  createShop,
  DidNotFail,
  FAILURE_POINTS,
  type FailedOrder,
  type FailurePoint,
  type Shop,
  type ShopOptions,
} from './shop.js'
export type { DatabaseUrls } from './systems.js'
export { runTraffic, type TrafficOptions, type TrafficResult } from './traffic.js'
