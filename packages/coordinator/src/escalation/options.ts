import type { LadderRule, MaintenanceWindow } from '@unwind/core'
import type { Channel } from './channels/channel.js'

/** Whom alarms climb to, and how they get there. */
export interface EscalationOptions {
  /** The first that fits an alarm counts. */
  readonly ladders: readonly LadderRule[]
  readonly maintenance: readonly MaintenanceWindow[]
  readonly channels: readonly Channel[]
  /** Where people see a rollback; "{rollbackId}" and "{correlationId}" are replaced. */
  readonly link: string
}
