import type { LedgerEvent } from '@unwind/contracts'
import { type ContractLookup, DEFAULT_STALL_OPTIONS, defaultPolicy, type Policy } from '@unwind/core'
import type { Followed, Signer } from '@unwind/runtime'
import { LedgerLoop } from '../ledger/loop.js'
import type { LedgerHistory, Told } from '../reading/ledger-reading.js'

const SIGNER: Signer = { keyId: 'key', principal: 'test', roles: [], systems: [] }

export interface LedgerEntry {
  readonly event: LedgerEvent
  /** Whose key made the approval inside. */
  readonly approver?: Signer
}

export interface LoopSetting {
  readonly policy?: Policy
  readonly contracts?: ContractLookup
}

/** A coordinator's loop over one partition that only the test writes; all that the loop says is kept. */
export class LoopOverLog {
  readonly said: LedgerEvent[] = []
  history: (until: bigint) => Promise<LedgerHistory>
  readonly loop: LedgerLoop

  constructor(
    private readonly log: readonly LedgerEntry[],
    { policy = defaultPolicy(), contracts = new Map() }: LoopSetting = {},
  ) {
    this.history = async until => ({ events: log.map(told).slice(0, Number(until)), refused: [] })
    this.loop = new LedgerLoop({
      me: { principal: 'coordinator', keyId: 'key', policy, stall: DEFAULT_STALL_OPTIONS },
      contracts: () => contracts,
      isLive: () => true,
      send: async event => {
        this.said.push(event)
      },
      actionsOf: () => Promise.reject(new Error('nobody asks for them')),
      factsOf: () => new Promise(() => {}),
      historyOf: (_correlationId, until) => this.history(until),
      logger: { info() {}, warn() {}, error() {} },
      metrics: { event() {}, emitted() {}, planned() {} },
      now: () => 2_000,
    })
  }

  /** It is given the records from an offset on. */
  read(from: number, live: boolean, to = this.log.length): void {
    this.log.slice(from, to).forEach((entry, i) => {
      const { approver, ...recorded } = told(entry, from + i)
      const followed: Followed = { ...recorded, writtenAt: from + i, live, signer: SIGNER, traceparent: null }
      this.loop.onEvent(followed, approver)
    })
  }

  /** It takes the partition over, with this as the first offset that is not committed. */
  takeOver(from: number): void {
    this.read(from, false)
    this.loop.onLive(0)
  }
}

function told(entry: LedgerEntry, offset: number): Told {
  return { ...entry, position: { topic: 'unwind.rollback', partition: 0, offset: BigInt(offset) } }
}
