import type { LedgerEvent, Recorded } from '@unwind/contracts'
import { coordinate } from '../coordination/coordinate.js'
import type {
  Coordination,
  CoordinationCommand,
  CoordinationContext,
  CoordinationInput,
  Coordinator,
} from '../coordination/coordination.js'
import type { ContractLookup, RecordedAction } from '../planning/input.js'
import { defaultPolicy, type Policy, policySchema } from '../policy/policy.js'
import type { Signer } from '../policy/signer.js'
import { DEFAULT_STALL_OPTIONS } from '../stall/stall.js'
import { proposed } from './log.js'
import { act, facts, lookup, planned } from './planning.js'

/** One coordinator over one rollback, step by step, with a log that only the test writes. */
export class Story {
  state: Coordination | null = null
  now = 10_000
  live = true
  contracts: ContractLookup = new Map()
  policy: Policy = defaultPolicy()
  #offset = 0n

  get me(): Coordinator {
    const { policy } = this
    return { principal: 'coordinator:one', keyId: 'key-one', policy, stall: DEFAULT_STALL_OPTIONS }
  }

  /** The ledger delivers events, one after the other; @returns what is commanded after the last one. */
  reads(...events: readonly LedgerEvent[]): readonly CoordinationCommand[] {
    let commands: readonly CoordinationCommand[] = []
    for (const event of events) commands = this.takes({ kind: 'event', recorded: this.#record(event) })
    return commands
  }

  /** An approval whose inner signature was verified. */
  readsApproval(event: LedgerEvent, approver: Signer): readonly CoordinationCommand[] {
    return this.takes({ kind: 'event', recorded: this.#record(event), approver })
  }

  isGiven(
    actions: readonly RecordedAction[],
    problems: readonly string[] = [],
  ): readonly CoordinationCommand[] {
    return this.takes({ kind: 'actions', actions, basis: { partition: 0, offset: '100' }, problems })
  }

  takes(input: CoordinationInput): readonly CoordinationCommand[] {
    const { now, live, contracts } = this
    const context: CoordinationContext = { now, live, contracts }
    const { state, commands } = coordinate(this.me, this.state, input, context)
    this.state = state
    return commands
  }

  #record(event: LedgerEvent): Recorded<LedgerEvent> {
    return { event, position: { topic: 'unwind.rollback', partition: 0, offset: this.#offset++ } }
  }
}

/** The events among the commands. */
export function emitted(commands: readonly CoordinationCommand[]): LedgerEvent[] {
  return commands.flatMap(command => (command.kind === 'emit' ? [command.event] : []))
}

/** Commands in short lines: "emit rb-1/requested/r1", "wake 25000", "read-actions", "look orders". */
export function lines(commands: readonly CoordinationCommand[]): string[] {
  return commands.map(command => {
    switch (command.kind) {
      case 'emit':
        return `emit ${command.event.type} ${command.event.data.eventId}`
      case 'wake':
        return `wake ${command.at}`
      case 'look':
        return `look ${command.systems.join(' ')}`.trim()
      default:
        return command.kind
    }
  })
}

export const peopleDecide: Policy = policySchema.parse({ preApproved: { maxSteps: 0 } })

/** Payments act on what orders did: what most stories of a coordinator are about. */
export function shopStory() {
  const contracts = lookup(facts('orders'), facts('payments', { dependsOn: ['orders'] }))
  const actions = [act('orders', 1), act('payments', 2)]
  const basis = { partition: 0, offset: '100' }
  return {
    contracts,
    actions,
    basis,
    plan: planned(actions, contracts, { basis }),
    proposal: proposed({ occurredAt: 9_000, proposedBy: 'service:shop' }),
    begin(): Story {
      const story = new Story()
      story.contracts = contracts
      return story
    },
  }
}
