import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Closers, flagd, open, workOn } from './harness.js'

const closers = new Closers()
afterEach(() => closers.close())

const OLD = `{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "banner": { "state": "ENABLED",   "variants": {"on": true,"off": false}, "defaultVariant": "off" },
    "checkout": {
      "state": "ENABLED",
      "variants": { "on": true, "off": false },
      "defaultVariant": "off"
    },
    "big": { "state": "ENABLED", "variants": { "n": 12345678901234567890 }, "defaultVariant": "n" }
  }
}
`
const NEW = OLD.replace(
  '"defaultVariant": "off"\n    }',
  '"defaultVariant": "on",\n      "targeting": { "fractional": [["on", 80], ["off", 20]] }\n    }',
)
const STEP = [
  {
    before: { defaultVariant: 'off' },
    after: {
      defaultVariant: 'on',
      targeting: {
        fractional: [
          ['on', 80],
          ['off', 20],
        ],
      },
    },
  },
]

describe('a flag in a file of flagd', () => {
  it('is restored to the byte, and every other byte is as it was', async () => {
    const { server: file, adapter } = await flagd(closers)
    writeFileSync(file, NEW)
    chmodSync(file, 0o640)
    const flags = adapter()
    await flags.start()
    expect(await flags.undo(workOn(STEP), open)).toMatchObject({ kind: 'applied', before: false })
    expect(readFileSync(file, 'utf8')).toBe(OLD)
    expect(statSync(file).mode & 0o777).toBe(0o640)
    expect(readdirSync(dirname(file)).sort()).toEqual(['.unwind', 'flags.json'])
    expect(await flags.probe(workOn(STEP), open)).toMatchObject({ restored: 1, expected: 1 })
  })

  it('the state that it had is kept beside the file before the first write', async () => {
    const { server: file, adapter } = await flagd(closers)
    writeFileSync(file, NEW)
    await adapter().undo(workOn(STEP), open)
    const folder = join(dirname(file), '.unwind')
    const [name] = readdirSync(folder)
    expect(JSON.parse(readFileSync(join(folder, name!), 'utf8'))).toMatchObject({
      flag: 'checkout',
      key: 'rb-1/flags',
      state: { defaultVariant: 'on', state: 'ENABLED' },
    })
    expect(statSync(join(folder, name!)).mode & 0o777).toBe(0o600)
  })

  it('in YAML keeps comments and order', async () => {
    const { server: file, adapter } = await flagd(closers, 'flags.yaml')
    const yaml = (value: string) => `# owned by growth
flags:
  checkout:
    variants: { on: true, off: false }   # both
    state: ENABLED
    defaultVariant: ${value} # since May

  # the banner
  banner:
    state: DISABLED
    variants: { on: true }
    defaultVariant: on
`
    writeFileSync(file, yaml('on'))
    const step = [{ before: { defaultVariant: 'off' }, after: { defaultVariant: 'on' } }]
    expect(await adapter().undo(workOn(step), open)).toMatchObject({ kind: 'applied' })
    expect(readFileSync(file, 'utf8')).toBe(yaml('"off"'))
  })

  it('behind a symbolic link is replaced where it lies', async () => {
    const { server: file, adapter } = await flagd(closers)
    mkdirSync(join(dirname(file), 'data'))
    const real = join(dirname(file), 'data', 'real.json')
    writeFileSync(real, NEW)
    symlinkSync(real, file)
    expect(await adapter().undo(workOn(STEP), open)).toMatchObject({ kind: 'applied' })
    expect(readFileSync(real, 'utf8')).toBe(OLD)
    expect(statSync(file).isFile()).toBe(true)
  })

  it('written by somebody else between the read and the write: their change stays', async () => {
    const { server: file, adapter } = await flagd(closers)
    writeFileSync(file, NEW)
    let first = true
    const flags = adapter({
      async failpoint(name) {
        if (name !== 'flags.before-write' || !first) return
        first = false
        writeFileSync(file, NEW.replace('"n": 12345678901234567890', '"n": 7'))
      },
    })
    expect(await flags.undo(workOn(STEP), open)).toMatchObject({ kind: 'applied' })
    expect(readFileSync(file, 'utf8')).toBe(OLD.replace('"n": 12345678901234567890', '"n": 7'))
  })

  it('several flags of one file are restored together', async () => {
    const { server: file, adapter } = await flagd(closers)
    writeFileSync(file, NEW.replace('"defaultVariant": "off" }', '"defaultVariant": "on" }'))
    const both = [
      ...STEP,
      { flag: 'banner', before: { defaultVariant: 'off' }, after: { defaultVariant: 'on' } },
    ]
    expect(await adapter().undo(workOn(both), open)).toMatchObject({ kind: 'applied', items: 2 })
    expect(readFileSync(file, 'utf8')).toBe(OLD)
  })

  it('a file that is not readable as flags is refused at start', async () => {
    const { server: file, adapter } = await flagd(closers)
    writeFileSync(file, '{"flags": ')
    await expect(adapter().start()).rejects.toThrow(
      /adapter\.file: .*flags\.json: it is neither JSON nor YAML/,
    )
  })

  it('data that names a field which cannot be restored is refused before anything is touched', async () => {
    const { server: file, adapter } = await flagd(closers)
    writeFileSync(file, NEW)
    const step = [{ before: { percentage: 10 }, after: { percentage: 100 } }]
    expect(await adapter().undo(workOn(step), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message:
        'flags, action flag.turned-on (flags:0): undo.previous has percentage; of a flag of flagd, state, variants, defaultVariant, targeting, metadata can be restored; no flag was touched',
    })
    expect(readFileSync(file, 'utf8')).toBe(NEW)
  })
})
