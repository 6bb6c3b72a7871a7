import type { DownloadContext } from './download.js'

/** What each part is given to start with. */
export interface PartContext extends DownloadContext {
  /** This part's folder of data; exists. */
  readonly dataDir: string
  /** Every part's log files; exists. */
  readonly logDir: string
  /** The ports that this part had last time, to be taken again if they are free. */
  readonly ports: readonly number[]
  /** Users of a secured Kafka; absent: it is open on loopback. */
  readonly kafkaUsers?: readonly string[]
}
