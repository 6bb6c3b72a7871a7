import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../main.js'
import { memoryIo } from '../testing/memory-io.js'

const cwd = mkdtempSync(join(tmpdir(), 'unwind-contract-'))

async function unwind(...words: string[]) {
  const io = memoryIo({ cwd, env: {} })
  const code = await run(words, io)
  return { code, out: io.out(), err: io.err() }
}

const PAYMENTS = `apiVersion: unwind/v1
kind: Contract
system: payments
version: 1.0.0
owner: { team: payments, contact: payments@example.com }
success: every payment is refunded once
dependsOn: [orders]
adapter:
  kind: http
  baseUrl: https://pay.example.com
  keyRetention: 48h
actions:
  payment.captured:
    undo: { method: POST, path: '/payments/{id}/refunds' }
    probe: { path: '/payments/{id}', expect: { /status: refunded } }
`
const file = (name: string, text: string) => {
  writeFileSync(join(cwd, name), text)
  return name
}
const good = file('payments.yaml', PAYMENTS)

// The verb loads every adapter when it is first used, which a busy machine may take longer for than a test has.
beforeAll(async () => void (await import('../verbs/run/contract.js')), 60_000)

describe('contract lint', () => {
  test('points to the line of what would never be proved, and of what would never run', async () => {
    file(
      'bad.yaml',
      PAYMENTS.replace('dependsOn: [orders]', 'dependsOn: [orders, payments]').replace(
        / {4}probe: .*\n/,
        '  mail.sent:\n    reversibility: irreversible\n    undo: { method: POST, path: /mails }\n',
      ),
    )
    expect(await unwind('contract', 'lint', 'bad.yaml')).toEqual({
      code: 2,
      err: '',
      out: [
        'error bad.yaml:7:21 dependsOn.1: a system cannot be undone after itself',
        'error bad.yaml:14:5 actions.payment.captured.probe: missing: without a read-back nothing proves the undo; give a GET with its path and what to expect',
        'error bad.yaml:17:11 actions.mail.sent.undo: the action is declared irreversible; take the undo out, or declare it compensatable',
        '',
      ].join('\n'),
    })
  })

  test('a command without a probe is refused', async () => {
    file(
      'legacy.yaml',
      PAYMENTS.replace(
        /adapter:[\s\S]*/,
        'adapter:\n  kind: command\nactions:\n  line.written:\n    undo: { command: x }\n',
      ),
    )
    const { code, out } = await unwind('contract', 'lint', 'legacy.yaml')
    expect(code).toBe(2)
    expect(out).toMatch(/^error legacy\.yaml:\d+:\d+ actions\.line\.written\.probe: /m)
  })

  test('a flag in stages that take longer than the deadline is refused, with the line', async () => {
    file(
      'flags.yaml',
      PAYMENTS.replace(
        /adapter:[\s\S]*/,
        `adapter:
  kind: flags
  provider: flagd
  file: /etc/flagd/flags.json
  ofrep: { baseUrl: 'http://127.0.0.1:8016' }
actions:
  flag.turned-on:
    undo:
      staging: { stages: [50, 10], bake: 10m, variant: on, otherwise: off, health: { path: /health } }
    probe: { contexts: [{ context: { targetingKey: anna }, value: false }] }
`,
      ),
    )
    expect(await unwind('contract', 'lint', 'flags.yaml')).toEqual({
      code: 2,
      err: '',
      out: [
        "error flags.yaml:16:42 actions.flag.turned-on.undo.staging.bake: 2 stages rest 1200000 ms in all, and the contract's deadline is 60000 ms: every rollback would escalate; raise the deadline",
        'error flags.yaml:16:84 actions.flag.turned-on.undo.staging.health: adapter.monitor is missing: nobody to ask for health',
        '',
      ].join('\n'),
    })
  })

  test('what works and probably is not meant is a warning, and no failure', async () => {
    file('slow.yaml', PAYMENTS.replace('    undo:', '    timeout: 2m\n    undo:'))
    expect(await unwind('contract', 'lint', 'slow.yaml')).toEqual({
      code: 0,
      err: '',
      out: [
        'ok    slow.yaml: payments 1.0.0',
        'warn  slow.yaml:14:14 actions.payment.captured.timeout: one call may take 120000 ms, and the deadline of the step is 60000 ms: it escalates before the call has ended',
        '',
      ].join('\n'),
    })
  })
})

describe('contract diff', () => {
  const next = file(
    'next.yaml',
    PAYMENTS.replace('1.0.0', '1.1.0').replace('48h', '12h').replace('team: payments', 'team: money'),
  )

  test('says what a change breaks, and exits 1', async () => {
    expect(await unwind('contract', 'diff', good, next)).toEqual({
      code: 1,
      err: '',
      out: [
        'compatible owner.team: payments → money',
        'breaking   adapter.keyRetention: remembers for a shorter time: 48h → 12h',
        '1 of 2 changes break what the old version promises',
        '',
      ].join('\n'),
    })
  })

  test('as JSON for a pipeline', async () => {
    const { code, out } = await unwind('contract', 'diff', good, next, '-o', 'json')
    expect([code, JSON.parse(out)]).toEqual([
      1,
      {
        system: 'payments',
        from: '1.0.0',
        to: '1.1.0',
        breaking: true,
        changes: [
          { effect: 'compatible', key: 'owner.team', message: 'payments → money' },
          {
            effect: 'breaking',
            key: 'adapter.keyRetention',
            message: 'remembers for a shorter time: 48h → 12h',
          },
        ],
      },
    ])
  })

  test('exits 0 when nothing is broken, or nothing is changed', async () => {
    file('more.yaml', PAYMENTS.replace('1.0.0', '1.0.1').replace('48h', '72h'))
    expect((await unwind('contract', 'diff', good, 'more.yaml')).code).toBe(0)
    expect(await unwind('contract', 'diff', good, good)).toEqual({
      code: 0,
      out: 'same      both say the same\n',
      err: '',
    })
  })

  test('a file that is no contract is refused with its line', async () => {
    file('none.yaml', 'system: payments\n')
    const { code, err } = await unwind('contract', 'diff', good, 'none.yaml')
    expect(code).toBe(2)
    expect(err).toContain('none.yaml:1:1 apiVersion: is missing')
  })
})
