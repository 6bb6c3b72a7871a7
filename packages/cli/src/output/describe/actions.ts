import type { ActionEventType, ContractEventType } from '@unwind/contracts'
import { count, type Describers, short } from './description.js'

export const describeActions: Describers<ActionEventType | ContractEventType> = {
  ActionRecorded: ({ system, action, resource, items, eventId }) => ({
    who: system,
    verb: 'acted',
    text: `${on(action, resource)}, ${count(items, 'item')} (${eventId})`,
    tone: 'plain',
  }),
  ActionFailed: ({ system, action, resource, code, message }) => ({
    who: system,
    verb: 'act-failed',
    text: `${on(action, resource)}: ${code}: ${message}`,
    tone: 'warn',
  }),
  ContractPublished: ({ system, version, hash }) => ({
    who: system,
    verb: 'contract',
    text: `version ${version}, hash ${short(hash)}`,
    tone: 'plain',
  }),
  SidecarAnnounced: ({ system, instance, adapter, contractVersion }) => ({
    who: system,
    verb: 'sidecar-up',
    text: `${instance}, ${adapter} adapter, contract ${contractVersion}`,
    tone: 'plain',
  }),
}

function on(action: string, resource: string | null): string {
  return resource ? `${action} on ${resource}` : action
}
