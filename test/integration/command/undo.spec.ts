import { spawn, spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adapterFor, type ContractObject, Ledger, open, workOn } from './ledger.js'

let ledger: Ledger
beforeEach(async () => {
  ledger = new Ledger()
  for (const number of [1, 2, 3]) await ledger.post(number)
})
afterEach(() => ledger.remove())

const within = (timeout: number) => (contract: ContractObject) => {
  contract.actions['entry.posted'].timeout = timeout
  contract.adapter.killAfter = '200ms'
}
/** Not one that has ended and that nobody has collected. */
const isAlive = (pid: string) =>
  spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout.trim().replace(/^Z.*/, '') !== ''

describe('an undo by command', () => {
  it('books the reversing entry and is proved by another command', async () => {
    const command = adapterFor(ledger)
    await command.start()
    expect(await command.undo(workOn([1]), open)).toEqual({
      kind: 'applied',
      before: false,
      items: 1,
      fromDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      notes: [],
    })
    expect(ledger.lines().at(-1)).toBe('1|R|B-2|A-1|1250|rb-1/ledger')
    expect(await command.probe(workOn([1]), open)).toEqual({
      kind: 'seen',
      restored: 1,
      expected: 1,
      kept: 0,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      differences: [],
      how: expect.stringMatching(/bin\/ledger show$/),
    })
  })

  it.each([2, 10])('that is repeated %i times has one effect', async times => {
    for (let i = 0; i < times; i++)
      expect(await adapterFor(ledger).undo(workOn([1, 2]), open)).toMatchObject({ kind: 'applied', items: 2 })
    expect([ledger.reversals(1), ledger.reversals(2)]).toEqual([1, 1])
  })

  it('by several processes at once has one effect, because the program knows the token', async () => {
    const results = await Promise.all(
      Array.from({ length: 4 }, () => adapterFor(ledger).undo(workOn([1]), open)),
    )
    // Whoever meets another one at work waits for it, ends it at the worst, and reads again.
    for (const result of results) expect(['applied', 'failed']).toContain(result.kind)
    expect(await adapterFor(ledger).undo(workOn([1]), open)).toMatchObject({ kind: 'applied' })
    expect(ledger.reversals(1)).toBe(1)
  })

  it('of several items is resumed without repeating', async () => {
    const undo = ledger.script(`
[ "$3" != 2 ] || [ -e "$LEDGER_DIR/healed" ] || { echo 'entry 2 is locked by the auditors' >&2; exit 75; }
exec "$LEDGER" "$@"`)
    const command = adapterFor(ledger, { undo })
    expect(await command.undo(workOn([1, 2, 3]), open)).toEqual({
      kind: 'failed',
      code: 'transient',
      message: `${undo} reverse ended with exit status 75: "entry 2 is locked by the auditors"; 1 of 3 items were undone before; they are not repeated`,
      hint: expect.any(String),
    })
    ledger.touch('healed')
    expect(await command.undo(workOn([1, 2, 3]), open)).toMatchObject({ kind: 'applied', items: 3 })
    expect([1, 2, 3].map(number => ledger.reversals(number))).toEqual([1, 1, 1])
    expect(ledger.lines().filter(line => line.includes('|R|'))).toEqual([
      '1|R|B-2|A-1|1250|rb-1/ledger/ledger:1',
      '2|R|B-2|A-1|1250|rb-1/ledger/ledger:2',
      '3|R|B-2|A-1|1250|rb-1/ledger/ledger:3',
    ])
  })

  it('shows what the program says, line by line and without secrets', async () => {
    const undo = ledger.script(`
echo "connecting with $LEDGER_PASSWORD to db://sa:hunter22@host/books"
printf 'half a line'; echo " and its end"
echo "\\033[31malarm\\033[0m" >&2
exec "$LEDGER" "$@"`)
    const said: string[] = []
    const command = adapterFor(ledger, {
      undo,
      change: contract => {
        contract.adapter.environment.secrets = { LEDGER_PASSWORD: 'correct horse battery' }
      },
    })
    await command.undo(workOn([1], { progress: line => said.push(line) }), open)
    expect(said.sort()).toEqual(
      [
        'connecting with [redacted] to db://sa:[redacted]@host/books',
        'half a line and its end',
        'alarm',
        'reversing entry 1: 1250 cents from B-2 back to A-1',
        'entry 1 is reversed',
      ].sort(),
    )
  })

  it('gets a clean environment: what the contract lists, and what belongs to the step', async () => {
    const undo = ledger.script(`env | cut -d= -f1 | sort > "$LEDGER_DIR/names"; env > "$LEDGER_DIR/values"
pwd > "$LEDGER_DIR/cwd"; printf '%s\\n' "$@" > "$LEDGER_DIR/arguments"; exec "$LEDGER" "$@"`)
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const environment = { UNWIND_KEY_FILE: '/run/key', KAFKA_PASSWORD: 's3cret', TZ: 'UTC', LANG: 'de' }
    const change = (contract: ContractObject) => {
      contract.adapter.environment.pass = ['TZ', 'NOT_THERE']
    }
    await adapterFor(ledger, { undo, environment, change }).undo(workOn([1], { traceparent }), open)
    expect(ledger.notes('names').filter(name => !['PWD', 'OLDPWD', '_', 'SHLVL'].includes(name))).toEqual([
      'LC_ALL',
      'LEDGER_DIR',
      'PATH',
      'TRACEPARENT',
      'TZ',
      'UNWIND_ACTION_ID',
      'UNWIND_CORRELATION_ID',
      'UNWIND_ON_CONFLICT',
      'UNWIND_ROLLBACK_ID',
      'UNWIND_STEP',
      'UNWIND_TOKEN',
    ])
    expect(ledger.notes('values')).toEqual(
      expect.arrayContaining([`TRACEPARENT=${traceparent}`, 'TZ=UTC', 'UNWIND_TOKEN=rb-1/ledger']),
    )
    expect(ledger.notes('cwd')).toEqual(['/'])
    expect(ledger.notes('arguments')).toEqual(['reverse', '--', '1', '1250'])
  })
})

describe('the end of a program', () => {
  it.each([
    ['exit 2', 'contract', 'ended with exit status 2'],
    ['exit 75', 'transient', 'ended with exit status 75'],
    ['echo "disk full" >&2; exit 1', 'unknown', 'exit status 1: "disk full", which exits does not list'],
    ['kill -9 $$', 'unknown', 'was ended by SIGKILL'],
    ['sleep 60', 'timeout', 'took longer than its timeout'],
    ["trap '' TERM; while :; do sleep 1; done", 'timeout', 'took longer than its timeout'],
    ['sleep 60 & exit 0', 'unknown', 'left processes behind, which were ended'],
  ] as const)('%s is %s', async (body, code, message) => {
    const undo = ledger.script(`echo $$ >> "$LEDGER_DIR/pids"; ${body}`)
    const result = await adapterFor(ledger, { undo, change: within(400) }).undo(workOn([1]), open)
    expect(result).toMatchObject({ kind: 'failed', code, message: expect.stringContaining(message) })
    expect(ledger.notes('pids').filter(isAlive)).toEqual([])
    expect(ledger.reversals(1)).toBe(0)
  })

  it('in time-out ends everything that it started, also what left its process group', async () => {
    const undo = ledger.script(`
sleep 60 & echo $! >> "$LEDGER_DIR/pids"
setsid sh -c 'echo $$ >> "$LEDGER_DIR/pids"; exec sleep 60' >/dev/null 2>&1 &
while [ "$(wc -l < "$LEDGER_DIR/pids")" -lt 2 ]; do sleep 0.01; done
wait`)
    const result = await adapterFor(ledger, { undo, change: within(600) }).undo(workOn([1]), open)
    expect(result).toMatchObject({ kind: 'failed', code: 'timeout' })
    expect(ledger.notes('pids')).toHaveLength(2)
    expect(ledger.notes('pids').filter(isAlive)).toEqual([])
  })

  it('after the effect, with the answer lost, is found restored and not repeated', async () => {
    const undo = ledger.script(`"$LEDGER" "$@"; kill -9 $$`)
    const command = adapterFor(ledger, { undo })
    expect(await command.undo(workOn([1]), open)).toMatchObject({ kind: 'failed', code: 'unknown' })
    expect(await command.probe(workOn([1]), open)).toMatchObject({ kind: 'seen', restored: 1 })
    expect(await command.undo(workOn([1]), open)).toMatchObject({ kind: 'applied' })
    expect(ledger.reversals(1)).toBe(1)
  })

  it('is what a stopping sidecar brings about, at once', async () => {
    const undo = ledger.script('echo $$ >> "$LEDGER_DIR/pids"; sleep 60')
    const stopping = new AbortController()
    const undone = adapterFor(ledger, { undo }).undo(workOn([1]), stopping.signal)
    await expect.poll(() => ledger.notes('pids')).toHaveLength(1)
    stopping.abort()
    expect(await undone).toMatchObject({
      kind: 'failed',
      code: 'unknown',
      message: expect.stringContaining('because the sidecar stopped'),
    })
    expect(ledger.notes('pids').filter(isAlive)).toEqual([])
  })

  it.runIf(process.platform === 'linux')(
    'is waited for when a killed sidecar left the program at work (I2)',
    async () => {
      // As a sidecar that was killed leaves it: the same step, nobody's child any more.
      const slow = ledger.script(`echo started >> "$LEDGER_DIR/notes"
while [ ! -e "$LEDGER_DIR/go" ]; do sleep 0.02; done
"$LEDGER" reverse -- 1 1250; echo ended >> "$LEDGER_DIR/notes"`)
      spawn(slow, {
        detached: true,
        stdio: 'ignore',
        env: {
          PATH: process.env.PATH,
          LEDGER_DIR: ledger.folder,
          UNWIND_STEP: 'rb-1/ledger',
          UNWIND_TOKEN: 'rb-1/ledger',
        },
      }).unref()
      await expect.poll(() => ledger.notes('notes')).toEqual(['started'])
      const seen = adapterFor(ledger).probe(workOn([1]), open)
      ledger.touch('go')
      expect(await seen).toMatchObject({ kind: 'seen', restored: 1, expected: 1 })
      expect(ledger.notes('notes')).toEqual(['started', 'ended'])
    },
  )

  it('with more output than is kept is an end like any other, and the rest is not kept', async () => {
    const undo = ledger.script('yes flood | head -c 300000; exec "$LEDGER" "$@"')
    const said: string[] = []
    const change = (contract: ContractObject) => {
      contract.adapter.maxOutput = '1KB'
    }
    const work = workOn([1], { progress: line => said.push(line) })
    expect(await adapterFor(ledger, { undo, change }).undo(work, open)).toMatchObject({ kind: 'applied' })
    expect(said).toContain('[more than 1024 bytes: the rest was not kept]')
    expect(said.length).toBeLessThan(200)
  })
})

describe('a probe', () => {
  it.each([
    ['echo not json', 'contract', 'printed something that is not JSON'],
    ['yes | head -c 100000', 'contract', 'printed more than adapter.maxOutput'],
    ['exit 66', 'contract', 'ended with exit status 66'],
    ['exit 1', 'transient', 'which exits does not list'],
    ['sleep 60', 'transient', 'took longer than its timeout'],
  ])('%s proves nothing: %s', async (body, code, message) => {
    const probe = ledger.script(body)
    const command = adapterFor(ledger, { probe, change: within(300) })
    expect(await command.probe(workOn([1]), open)).toMatchObject({
      kind: 'failed',
      code,
      message: expect.stringContaining(message),
    })
    expect(await command.undo(workOn([1]), open)).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('read before the undo, which was not run'),
    })
    expect(ledger.reversals(1)).toBe(0)
  })

  it('that sees nothing restored is believed over the undo that says done (I3)', async () => {
    const command = adapterFor(ledger, { undo: ledger.script('exit 0') })
    expect(await command.undo(workOn([1]), open)).toMatchObject({ kind: 'applied' })
    expect(await command.probe(workOn([1]), open)).toMatchObject({
      kind: 'seen',
      restored: 0,
      expected: 1,
      differences: [
        { item: 'entries/1', field: '/status', before: '"reversed"', after: '"posted"', current: '"posted"' },
        { item: 'entries/1', field: '/balance', before: '0', after: null, current: '1250' },
      ],
    })
  })

  it('can answer by its exit status alone', async () => {
    const probe = ledger.script(`"$LEDGER" show "$2" "$3" | grep -q '"status":"reversed"'`)
    const change = (contract: ContractObject) => {
      const { undo, probe } = contract.actions['entry.posted']
      undo.expect = {}
      probe.exits = { 0: 'restored', 1: 'open' }
      probe.expect = {}
      probe.words = []
    }
    const command = adapterFor(ledger, { probe: ledger.script(`exec ${probe} show "$@"`), change })
    expect(await command.probe(workOn([1]), open)).toMatchObject({ restored: 0, expected: 1 })
  })
})
