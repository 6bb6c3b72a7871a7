import type { LedgerEvent } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { Proposals, type ProposalsOptions } from './proposals.js'

/** A coordinator that holds nothing, beside a view that shows nothing yet. */
function blind(over: Partial<ProposalsOptions> = {}) {
  const sent: LedgerEvent[] = []
  const options = {
    key: { principal: 'coordinator:one' },
    held: () => undefined,
    known: async () => null,
    now: () => 0,
    send: async (event: LedgerEvent) => {
      sent.push(event)
      return { topic: 'l', partition: 0, offset: 0n }
    },
    ...over,
  } as unknown as ProposalsOptions
  return { proposals: new Proposals(options), sent }
}

const proposal = (correlationId: string) => ({
  correlationId,
  reason: 'r',
  systems: [],
  part: null,
  rollbackId: 'rb-1',
  incidentClass: null,
  release: null,
  proposedBy: 'alice',
})

describe('a rollback ID that is given with the proposal', () => {
  it('is known as soon as it is written, also when the view does not show it yet', async () => {
    const { proposals, sent } = blind()
    expect(await proposals.propose(proposal('order-1'))).toMatchObject({
      rollbackId: 'rb-1',
      written: { offset: 0n },
    })
    expect(await proposals.propose(proposal('order-1'))).toEqual({ rollbackId: 'rb-1', written: null })
    await expect(proposals.propose(proposal('order-2'))).rejects.toMatchObject({
      slug: 'id-taken',
      detail: 'rollback rb-1 is of order-1, not of order-2',
    })
    expect(sent).toHaveLength(1)
  })

  it('is not taken for written when sending it failed: it is sent again', async () => {
    let away = true
    const sent: string[] = []
    const { proposals } = blind({
      send: async ({ data }) => {
        if (away) throw new Error('no broker')
        sent.push(data.correlationId)
        return { topic: 'l', partition: 0, offset: 0n }
      },
    })
    await expect(proposals.propose(proposal('order-1'))).rejects.toThrow('no broker')
    away = false
    expect(await proposals.propose(proposal('order-1'))).toMatchObject({ written: { offset: 0n } })
    expect(sent).toEqual(['order-1'])
  })

  it('is what this process holds, or else what the view tells', async () => {
    const held = blind({ held: () => ({ rollback: { correlationId: 'order-1' } }) as never })
    expect(await held.proposals.propose(proposal('order-1'))).toEqual({ rollbackId: 'rb-1', written: null })
    const told = blind({ known: async () => ({ correlationId: 'order-1' }) })
    await expect(told.proposals.propose(proposal('order-2'))).rejects.toMatchObject({ slug: 'id-taken' })
  })
})
