export {
  createEventOpener,
  type EventOpener,
  type Opened,
  type OpenedEvent,
  type OpenerOptions,
  type PoisonRecord,
} from './opener.js'
export { createQuarantine, DEAD_LETTER, type Quarantine, type QuarantineOptions } from './quarantine.js'
export { createEventSender, type EventSender, type SenderOptions, type SendOptions } from './sender.js'
