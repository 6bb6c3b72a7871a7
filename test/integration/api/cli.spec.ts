import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CoordinatorService } from '@unwind/coordinator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unwind } from '../cli/unwind.js'
import { contractOf, Scene } from '../coordinator/harness.js'

describe('the command line on lists and the view', () => {
  let scene: Scene
  let coordinator: CoordinatorService
  const cwd = mkdtempSync(join(tmpdir(), 'unwind-cli-'))

  beforeAll(async () => {
    scene = await Scene.open(['orders'])
    await scene.publish(contractOf('orders'))
    coordinator = await scene.coordinator()
  })
  afterAll(() => scene.world.close())

  const run = (...words: string[]) => unwind([...words, '--api', coordinator.apiUrl!], { cwd })

  it('has the view built again to the same digest, and lists page by page', async () => {
    const ids: string[] = []
    for (let n = 0; n < 2; n++) {
      const order = scene.order()
      await scene.record(order, 'orders')
      ids.push(await scene.propose(order))
      await scene.first(ids[n]!, 'RollbackRequested')
    }
    const first = await run('coordinator', 'rebuild')
    expect([first.code, first.out]).toEqual([0, expect.stringMatching(/^The view holds (\d+) of \1 records/)])
    const before = await run('coordinator', 'digest')
    expect([before.code, before.out]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\n$/)])
    expect((await run('coordinator', 'rebuild', '-o', 'json')).code).toBe(0)
    expect((await run('coordinator', 'digest')).out).toBe(before.out)
    const page = await run('list', '--system', 'orders', '--limit', '1')
    expect([page.out.includes(ids[1]!), page.out.includes(ids[0]!)]).toEqual([true, false])
    const cursor = /--cursor (\S+)/.exec(page.err)?.[1]
    const rest = await run('list', '--system', 'orders', '--cursor', cursor!)
    expect([rest.out.includes(ids[1]!), rest.out.includes(ids[0]!)]).toEqual([false, true])
    const wrong = await run('list', '--since', 'yesterday')
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('"yesterday" is no moment')])
  })
})
