import type { EventMap, EventType, UnwindEvent } from '@unwind/contracts'
import { safeText } from '../safe-text.js'
import { describeActions } from './actions.js'
import { describeAuthority } from './authority.js'
import type { Describers, Description } from './description.js'
import { describeSteps } from './steps.js'

const DESCRIBERS: Describers<EventType> = { ...describeActions, ...describeAuthority, ...describeSteps }

/** What an event says, as one line for a person. Everything that came from outside is made safe for a terminal. */
export function describeEvent(event: UnwindEvent): Description {
  // The map has one describer a type; the compiler cannot follow that correlation through a union.
  const describe = DESCRIBERS[event.type] as (data: EventMap[EventType]) => Description
  const said = describe(event.data)
  return { ...said, who: safeText(said.who), text: safeText(said.text) }
}
