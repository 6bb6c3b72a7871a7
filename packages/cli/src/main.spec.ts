// biome-ignore-all lint/suspicious/noTemplateCurlyInString: contract files name variables like this
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ADAPTERS } from '@unwind/sidecar'
import { describe, expect, test } from 'vitest'
import { run } from './main.js'
import { memoryIo } from './testing/memory-io.js'

const cwd = mkdtempSync(join(tmpdir(), 'unwind-cli-'))

async function unwind(words: string, env: Record<string, string> = {}) {
  const io = memoryIo({ cwd, env })
  const code = await run(words.split(' ').filter(Boolean), io)
  return { code, out: io.out(), err: io.err() }
}

describe('words that are wrong exit 2, say what was expected, and print no data', () => {
  test.each([
    ['tial', "error: unknown command 'tial'\n(Did you mean tail?)"],
    ['tail --since yesterday', 'Expected "30s", "10m", "2h", "1d" or an ISO date and time, got "yesterday".'],
    ['tail -o xml', 'Allowed choices are text, json.'],
    ['tail --nope', "error: unknown option '--nope'"],
    ['status', "error: missing required argument 'id'"],
    ['rollback order-1', "error: required option '--reason <text>' not specified"],
    ['resolve rb-1 --step a --reason r', "error: required option '--take <how>' not specified"],
    ['resolve rb-1 --step a --reason r --take all', 'Allowed choices are keep, force, merge, manual.'],
    ['retry rb-1 --reason r', "error: required option '--step <id>' not specified"],
    ['topics apply --partitions 0', 'Expected a whole number from 1 to 1000, got "0".'],
    ['topics apply --kafka localhost', 'Expected host:port, got "localhost".'],
    ['dev --brokers 2', 'A local Kafka has 1 or 3 brokers.'],
    ['sidecar', "error: required option '--contract <file>' not specified"],
    ['sidecar --contract missing.yaml', `--contract: ${join(cwd, 'missing.yaml')} cannot be read`],
    [
      'keys generate me --role client --out k',
      '"me" is no principal: expected <kind>:<name>, e.g. "sidecar:orders".',
    ],
    ['keys generate a:b --role boss --out k', 'There is no role "boss"'],
    ['keys generate a:b --role sidecar --out k', 'A sidecar, and only a sidecar, speaks for systems'],
    ['tail --env other', 'No local environment "other" runs here.'],
    ['tail --env ../x', '"../x" is no name of an environment'],
    ['tail', 'It is not known where the schema registry is.'],
    ['topics apply', 'It is not known where Kafka is.'],
  ])('unwind %s', async (words, message) => {
    const { code, out, err } = await unwind(words)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
  })
})

test('a coordinator that is not there exits 5 and says how to have one', async () => {
  const { code, out, err } = await unwind('status rb-1 --api http://127.0.0.1:9')
  expect({ code, out, err }).toEqual({
    code: 5,
    out: '',
    err:
      'error: the coordinator at http://127.0.0.1:9 does not answer (bad port)\n' +
      '       Start a local one with "unwind dev", or name it with --api or UNWIND_API_URL.\n',
  })
})

test('without a terminal nothing is done that was not said with --yes', async () => {
  const { code, err } = await unwind('rollback order-1 --reason r')
  expect({ code, err }).toEqual({
    code: 2,
    err: 'error: Roll back order-1? Nobody can be asked here.\n       Say --yes.\n',
  })
})

test('a broken configuration file is refused with file, line and key', async () => {
  writeFileSync(join(cwd, 'unwind.yaml'), 'kafka:\n  brokers: [nowhere]\n')
  const { code, err } = await unwind('topics apply --config unwind.yaml')
  expect({ code, err }).toEqual({
    code: 2,
    err: `error: Configuration: ${join(cwd, 'unwind.yaml')}:2: kafka.brokers.0: must be "host:port"\n`,
  })
})

test('help is data, names the exit codes and every verb has an example', async () => {
  const { code, out, err } = await unwind('--help')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('  3    The rollback ended, but not RESTORED_VERIFIED.')
  for (const verb of ['demo', 'tail', 'status', 'resolve', 'sidecar', 'doctor']) {
    const help = await unwind(`${verb} --help`)
    expect(help).toMatchObject({ code: 0, err: '' })
    expect(help.out).toContain(`Examples:\n  unwind ${verb}`)
  }
})

describe('contract lint', () => {
  const good =
    'apiVersion: unwind/v1\nkind: Contract\nsystem: legacy\nversion: 1.0.0\nowner: {team: a, contact: b}\nsuccess: as before\n' +
    'adapter:\n  kind: postgres\n  url: ${LEGACY_URL}\n  capture:\n    tables:\n      public.stock: {}\nactions:\n  stock.moved: {}\n'

  test('a good contract is ok, whether its variables are set or not', async () => {
    writeFileSync(join(cwd, 'good.yaml'), good)
    expect(await unwind('contract lint good.yaml')).toEqual({
      code: 0,
      out: 'ok    good.yaml: legacy 1.0.0\n',
      err: '',
    })
  })

  test('every problem has file, line, column and key, those of the adapter too', async () => {
    writeFileSync(
      join(cwd, 'bad.yaml'),
      good.replace('1.0.0', 'one').replace('owner: {team: a, contact: b}\n', ''),
    )
    writeFileSync(
      join(cwd, 'adapter.yaml'),
      good.replace('system: legacy', 'system: other').replace('    tables:', '    tabels:'),
    )
    writeFileSync(
      join(cwd, 'kind.yaml'),
      good.replace('system: legacy', 'system: third').replace('postgres', 'oracle'),
    )
    expect(await unwind('contract lint bad.yaml adapter.yaml kind.yaml')).toEqual({
      code: 2,
      err: '',
      out: [
        'error bad.yaml:1:1 owner: is missing: expected object, received undefined',
        'error bad.yaml:4:10 version: expected a version such as "1.0.0"',
        'error adapter.yaml:11:5 adapter.capture.tables: Invalid input: expected record, received undefined',
        'error adapter.yaml:12:7 adapter.capture.tabels: is not a key of this adapter',
        `error kind.yaml:8:9 adapter.kind: there is no adapter "oracle"; there are ${Object.keys(ADAPTERS).sort().join(', ')}`,
        '',
      ].join('\n'),
    })
  })

  test('two contracts of one system are refused', async () => {
    writeFileSync(join(cwd, 'copy.yaml'), good)
    const { code, out } = await unwind('contract lint good.yaml copy.yaml')
    expect({ code, out }).toEqual({
      code: 2,
      out: 'ok    good.yaml: legacy 1.0.0\nerror copy.yaml:1:1: good.yaml is a contract of system legacy too\n',
    })
  })
})
