import { DEAD_LETTER } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MiniShop, SHOP_SYSTEMS } from '../e2e/shop.js'
import { Site } from '../support/site.js'
import { type UnwindProcess, UnwindProcesses } from '../support/unwind-process.js'

describe('a key that is revoked while everything runs', () => {
  let site: Site
  let shop: MiniShop
  let processes: UnwindProcesses
  let coordinator: UnwindProcess
  beforeAll(async () => {
    site = await Site.open(SHOP_SYSTEMS, 1)
    shop = await MiniShop.open(site)
    processes = new UnwindProcesses(site, 1_500)
    const sidecars = SHOP_SYSTEMS.map(system => processes.sidecar(shop.contracts[system]))
    coordinator = processes.coordinator()
    await Promise.all([...sidecars, coordinator].map(one => one.said('is ready')))
  })
  afterAll(() => site?.close())

  const propose = async (order: string) =>
    (await (await site.client('shop')).propose({ correlationId: order, reason: 'it failed' })).rollbackId

  it('counts no more within a second, from one record on, and no process is started again', async () => {
    const [before, after] = [await shop.buy(), await shop.buy()]
    const done = await propose(before)
    expect((await site.closed(done, 40_000)).endState).toBe('RESTORED_VERIFIED')

    const revoking = processes.start(['keys', 'revoke', 'service:shop', '-o', 'json'])
    expect(await revoking.ended).toBe(0)
    const said = revoking.lines.items.join('\n')
    const { revokedFrom } = JSON.parse(said.slice(said.indexOf('{'))) as {
      revokedFrom: Record<string, string>
    }
    const ledger = `${site.world.topics.rollback}/0`
    expect(Object.keys(revokedFrom)).toContain(ledger)

    const refused = await propose(after)
    const letter = await site.deadLetters.first('the refused proposal', r => r.key === after)
    expect(letter.headers[DEAD_LETTER.code]).toBe('unauthorised')
    expect(letter.headers[DEAD_LETTER.message]).toContain(`was revoked from offset ${revokedFrom[ledger]} on`)
    await coordinator.said('the trust file has changed and counts from now on')
    expect(site.story(refused).filter(id => !id.startsWith('proposed'))).toEqual([])
    expect(await shop.state(after)).toMatchObject({ order: { status: 'confirmed' }, refunds: 0 })
  })

  it('does not change what was decided before, for whoever reads the ledger from its start (I8)', async () => {
    await coordinator.kill('SIGKILL')
    const again = processes.coordinator()
    await again.said('is ready')
    const url = /"url":"(http:[^"]+)"/.exec(await again.said('the API is served'))![1]!
    const answer = await fetch(`${url}/v1/rollbacks`)
    const { rollbacks } = (await answer.json()) as { rollbacks: { endState: string | null }[] }
    expect(rollbacks.map(rollback => rollback.endState)).toEqual(['RESTORED_VERIFIED'])
  })

  it('is refused by name when it is not in the trust file', async () => {
    const child = processes.start(['keys', 'revoke', 'service:nobody'])
    expect(await child.ended).toBe(2)
    expect(child.lines.items.join('\n')).toContain('has no key "service:nobody"')
  })
})
