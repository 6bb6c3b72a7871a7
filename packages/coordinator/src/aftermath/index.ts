export { Aftermath, type AftermathOptions, type AftermathSettings } from './aftermath.js'
