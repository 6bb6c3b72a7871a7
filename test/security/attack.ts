import { type EventOf, hashText, type LedgerEvent, type Plan } from '@unwind/contracts'
import type { OutgoingRecord } from '@unwind/runtime'
import { HostileShop } from '../e2e/hostile-shop.js'

/** What attackers of the topics write, and where they look. */
export class Attack {
  private constructor(readonly hostile: HostileShop) {}

  static async open(): Promise<Attack> {
    return new Attack(await HostileShop.open())
  }

  close(): Promise<void> {
    return this.hostile.site.close()
  }

  /** Every record of a key, as it lies in the topic. */
  async recordsOf(key: string, topic = this.hostile.site.world.topics.rollback): Promise<OutgoingRecord[]> {
    const found: OutgoingRecord[] = []
    await new Promise<void>((resolve, reject) => {
      const reader = this.hostile.site.world.log.reader({
        topics: [topic],
        from: 'start',
        onRecords: records => {
          for (const r of records)
            if (r.key === key)
              found.push({ topic, key, value: r.value && Buffer.from(r.value), headers: r.headers })
        },
        onCaughtUp: () => void reader.stop().then(resolve, reject),
        onFatal: reject,
      })
      reader.start().catch(reject)
    })
    return found
  }

  /** Signed by the sidecar of orders, past every check of its own. */
  async publishContract(document: string, version: string): Promise<void> {
    const { site, forge } = this.hostile
    const key = site.key('sidecar:orders')
    const hash = hashText(document)
    const event = {
      type: 'ContractPublished',
      data: {
        eventId: `contract/orders/${version}/${hash.slice(0, 16)}`,
        system: 'orders',
        occurredAt: Date.now(),
        emitter: key.principal,
        version,
        document,
        hash,
      },
    } as const
    await forge.publish(forge.signed(event, key))
  }

  /** Of the contract that the coordinator plans by. */
  async versionOf(system: string): Promise<string | undefined> {
    const answer = await fetch(`${this.hostile.coordinator.apiUrl}/v1/systems`)
    const { systems } = (await answer.json()) as {
      systems: { system: string; contract: { version: string } | null }[]
    }
    return systems.find(one => one.system === system)?.contract?.version
  }

  /** Something that the payments are said to have done. */
  action(correlationId: string, data: string, principal: string): EventOf<'ActionRecorded'> {
    return {
      type: 'ActionRecorded',
      data: {
        eventId: `payments:forged-${this.hostile.site.order()}`,
        correlationId,
        system: 'payments',
        action: 'payment.captured',
        resource: null,
        occurredAt: Date.now(),
        emitter: principal,
        causationId: null,
        data,
        items: 1,
        digest: null,
      },
    }
  }

  proposal(correlationId: string, rollbackId: string, principal: string): LedgerEvent {
    return {
      type: 'RollbackProposed',
      data: {
        eventId: `${rollbackId}/proposed`,
        correlationId,
        rollbackId,
        occurredAt: Date.now(),
        emitter: principal,
        causationId: null,
        systems: [],
        reason: 'it failed half-way',
        incidentClass: null,
        release: null,
        trigger: 'service',
        proposedBy: principal,
        supplements: null,
        part: null,
      },
    }
  }

  emptyPlan(rollbackId: string, correlationId: string): Plan {
    return {
      format: 1,
      rollbackId,
      correlationId,
      revision: 1,
      scope: [],
      barrier: false,
      basis: null,
      steps: [],
      gates: [],
      surfaced: [],
    }
  }
}
