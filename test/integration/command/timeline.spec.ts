import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseContract } from '../../../packages/contracts/src/index.js'
import { loaded, Site } from '../../support/site.js'
import { Ledger } from './ledger.js'

const CONTRACT = new URL('../../../examples/legacy-ledger/contracts/ledger.yaml', import.meta.url)

describe('a legacy ledger behind a script, in a whole rollback', () => {
  const ledger = new Ledger()
  let site: Site
  beforeAll(async () => {
    site = await Site.open(['ledger'])
    await site.coordinator()
    const text = readFileSync(CONTRACT, 'utf8')
      .replaceAll(/\$\{LEDGER_DIR\}/g, ledger.folder)
      .replaceAll(
        /\$\{LEDGER_BIN\}/g,
        ledger.script('echo "using password=hunter2" >&2; exec "$LEDGER" "$@"'),
      )
    await site.sidecar(loaded(JSON.parse(parseContract(text, 'ledger.yaml').document)))
  })
  afterAll(async () => {
    await site?.close()
    ledger.remove()
  })

  it('is undone and proved, and what the script said stands in the timeline before the outcome', async () => {
    await ledger.post(17)
    const client = await site.client('ledger')
    const correlationId = site.order()
    await client.record({
      correlationId,
      system: 'ledger',
      action: 'entry.posted',
      resource: 'entries/17',
      data: { number: 17, cents: 1_250, memo: 'order 17' },
    })
    await site.recorded(correlationId, 1)
    const { rollbackId } = await client.propose({ correlationId, reason: 'the order was refused' })
    expect(await site.closed(rollbackId)).toMatchObject({ endState: 'RESTORED_VERIFIED', remaining: [] })
    expect(ledger.reversals(17)).toBe(1)
    const events = site.world.of(rollbackId)
    const note = events.find(event => event.type === 'NoteAdded')
    expect(note?.data).toMatchObject({
      eventId: `${rollbackId}/ledger/note/0.1/1`,
      author: 'sidecar:ledger',
      text: 'using password=[redacted]\nreversing entry 17: 1250 cents from B-2 back to A-1\nentry 17 is reversed',
    })
    const story = site.story(rollbackId)
    expect(story.indexOf('ledger/note/0.1/1')).toBeLessThan(story.indexOf('ledger/completed/0'))
  })
})
