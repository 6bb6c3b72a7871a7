export * from './adapter/port.js'
export { ADAPTERS, type AdapterFactory } from './adapters/factories.js'
export {
  createSidecar,
  type LoadedContract,
  type Sidecar,
  type SidecarMetrics,
  type SidecarOptions,
} from './sidecar.js'
