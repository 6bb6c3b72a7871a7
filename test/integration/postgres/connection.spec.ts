import { expect, it } from 'vitest'
import { CuttingProxy } from '../../support/cutting-proxy.js'
import { probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('connection')

it.each(['before', 'after'] as const)(
  'a connection that is cut %s the undo has its effect ends the call as unknown, not the process, and the next call finds out',
  async cut => {
    const t = `t_${cut}`
    await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, a int)`)
    await db.sql(`INSERT INTO ${t} VALUES (1, 1)`)
    const { hostname, port } = new URL(db.url())
    const proxy = await CuttingProxy.start(hostname, Number(port))
    const url = new URL(db.url())
    url.host = `127.0.0.1:${proxy.listensOn}`
    const unheard: Error[] = []
    const hear = (error: Error) => unheard.push(error)
    process.on('uncaughtException', hear)
    try {
      const adapter = await db.adapter({ [t]: {} }, { adapter: { url: url.href } })
      await db.forward(cut, `UPDATE ${t} SET a = 2`)
      const work = await stepFor(adapter, cut)
      void proxy.arm(cut, { request: bytes => bytes.includes('unwind-undo') })
      expect(await undo(adapter, work)).toMatchObject({ kind: 'failed', code: 'unknown' })
      expect(await db.sql(`SELECT a FROM ${t}`)).toEqual([{ a: cut === 'after' ? 1 : 2 }])
      expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', before: cut === 'after' })
      expect(await probe(adapter, work)).toMatchObject({ restored: 1, expected: 1 })
      // What nobody listens to comes with the connection's end: the loop has turned by then.
      expect(unheard).toEqual([])
    } finally {
      process.off('uncaughtException', hear)
      await proxy.stop()
    }
  },
)
