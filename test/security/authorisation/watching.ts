import type { LedgerEvent } from '@unwind/contracts'
import { type CoordinationContext, type coordinate, DEFAULT_STALL_OPTIONS, type Policy } from '@unwind/core'

export const AT = 100_000
export const me = (policy: Policy) => ({
  principal: 'coordinator:one',
  keyId: 'k',
  policy,
  stall: DEFAULT_STALL_OPTIONS,
})

export function live(now = AT): CoordinationContext {
  return { now, live: true, contracts: new Map() }
}

type Commands = ReturnType<typeof coordinate>['commands']

export function events(commands: Commands): LedgerEvent[] {
  return commands.flatMap(command => (command.kind === 'emit' ? [command.event] : []))
}

export function requests(commands: Commands) {
  return events(commands).flatMap(event => (event.type === 'RollbackRequested' ? [event.data] : []))
}

/** Kind and subject of the alarms. */
export function alarms(commands: Commands): string[] {
  return events(commands).flatMap(event =>
    event.type === 'EscalationRaised' ? [event.data.escalationId.split('/').slice(2, -1).join(' ')] : [],
  )
}
