import { rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stack } from '@unwind/local-stack'
import pg from 'pg'
import { type Check, check } from '../report.js'
import type { Section, SectionContext } from '../section.js'
import { sleep, waitFor } from '../site/wait.js'
import { onStage } from '../stage.js'
import { SmallDisk } from './small-disk.js'
import { underTraffic } from './under-traffic.js'

const LOG_MB = 300
const TABLES_MB = 32
const FULL_MS = 8_000
const DISK_FULL = '53100'

/** The disk of the brokers is full, then that of a target; space is made, and everything goes on. */
export const disk: Section = {
  name: 'disk',
  about: 'the disks of the broker and of a target full (tmpfs; needs the right to mount)',
  async run(context) {
    return [...(await brokerFull(context)), ...(await targetFull(context))]
  },
}

function skipped(what: string): readonly Check[] {
  return [check(`${what}: SKIPPED, no file system can be mounted here`, true, 'nothing was tested')]
}

async function brokerFull(context: SectionContext): Promise<readonly Check[]> {
  const name = 'disk of the broker'
  const disks: SmallDisk[] = []
  const beforeStart = (data: string) => {
    const mounted = SmallDisk.mount(join(data, 'kafka'), LOG_MB, context.say)
    if (mounted) disks.push(mounted)
  }
  const options = { site: { sessionMs: 3_000 }, beforeStart }
  return onStage('disklog', context, options, async ({ stack, site }) => {
    const small = disks[0]
    if (small === undefined) return skipped(name)
    try {
      return await underTraffic(name, site, context, {}, async ({ progress }) => {
        await progress(10)
        small.fill()
        const node = stack.nodes[0]!
        // A broker whose only disk fails gives up by itself.
        await waitFor('the broker to give up', () => node.pid === undefined, 60_000)
        await sleep(FULL_MS)
        small.free()
        await node.start()
        const ms = await progress(10)
        return [check(`${name}: work goes on`, true, `10 rollbacks within ${(ms / 1_000).toFixed(1)} s`)]
      })
    } finally {
      small.unmount()
    }
  })
}

async function targetFull(context: SectionContext): Promise<readonly Check[]> {
  const name = 'disk of a target'
  const folder = join(tmpdir(), `unwind-small-${process.pid}`)
  const disks: SmallDisk[] = []
  const prepare = async (stack: Stack) => {
    const small = SmallDisk.mount(folder, TABLES_MB, context.say, ownerOf(stack.server('postgres').pid!))
    if (!small) return
    disks.push(small)
    await inTablespace(stack, folder)
  }
  try {
    return await onStage('disktable', context, { prepare }, ({ site }) => {
      const small = disks[0]
      if (small === undefined) return Promise.resolve(skipped(name))
      return underTraffic(name, site, context, {}, async ({ progress, traffic }) => {
        await progress(10)
        small.fill()
        await waitFor('writes to find no space', () => isFull(site.branches[0]!.book), 30_000)
        const before = traffic.closed
        await sleep(FULL_MS)
        const meanwhile = `${traffic.closed - before} ended in ${FULL_MS / 1_000} s without space`
        small.free()
        const ms = await progress(10)
        return [
          check(
            `${name}: work goes on`,
            true,
            `${meanwhile}, 10 within ${(ms / 1_000).toFixed(1)} s of its return`,
          ),
        ]
      })
    })
  } finally {
    for (const small of disks) small.unmount()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** New databases, and with them every table of the targets, lie there from now on; the write-ahead log does not. */
async function inTablespace(stack: Stack, folder: string): Promise<void> {
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  try {
    await client.query(`CREATE TABLESPACE small LOCATION '${folder}'`)
    await client.query('ALTER DATABASE template1 SET default_tablespace = small')
    await client.query('ALTER ROLE postgres SET default_tablespace = small')
  } finally {
    await client.end()
  }
}

/** Who runs the server: a tablespace must be its own. */
function ownerOf(pid: number): { readonly uid: number; readonly gid: number } {
  const { uid, gid } = statSync(`/proc/${pid}`)
  return { uid, gid }
}

async function isFull(book: { sql(text: string): Promise<unknown> }): Promise<boolean> {
  try {
    await book.sql(`CREATE TABLE IF NOT EXISTS probe (filler text)`)
    await book.sql(`INSERT INTO probe SELECT repeat(md5(random()::text), 200) FROM generate_series(1, 50)`)
    return false
  } catch (error) {
    return (error as { code?: string }).code === DISK_FULL
  }
}
