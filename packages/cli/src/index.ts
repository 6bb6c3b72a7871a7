export { main, run } from './main.js'
export { EXIT_CODES, type ExitName } from './shell/exit-codes.js'
export type { Io } from './shell/io.js'
