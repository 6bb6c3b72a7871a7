import { describe, expect, it } from 'vitest'
import { configMap } from './config-map.js'
import { FormatError, formatOf } from './index.js'
import { json } from './json.js'
import { properties } from './properties.js'
import { yaml } from './yaml.js'

const entries = (values: ReadonlyMap<string, string>) => Object.fromEntries(values)

describe('json', () => {
  it('reads values by pointer', () => {
    expect(entries(json.read('{"a":{"b/c":[1,2],"d":{}},"e":null,"n":1.5}'))).toEqual({
      '/a/b~1c': '[1,2]',
      '/a/d': '{}',
      '/e': 'null',
      '/n': '1.5',
    })
    expect(entries(json.read('{}'))).toEqual({})
  })

  it('writes single values and keeps the rest, order and indentation', () => {
    const text = '{\n    "z": 1,\n    "log": {\n        "level": "debug",\n        "file": "x"\n    }\n}\n'
    const changed = json.write(
      text,
      new Map([
        ['/log/level', '"info"'],
        ['/log/file', null],
        ['/new/at', '[1]'],
      ]),
    )
    expect(changed).toBe(
      '{\n    "z": 1,\n    "log": {\n        "level": "info"\n    },\n    "new": {\n        "at": [\n            1\n        ]\n    }\n}\n',
    )
  })

  it('removes a branch with its last value, and lets a branch take the place of a leaf', () => {
    expect(json.write('{"a":{"b":1},"c":2}', new Map([['/a/b', null]]))).toBe('{"c":2}')
    expect(json.write('{"a":1}', new Map([['/a/b', '2']]))).toBe('{"a":{"b":2}}')
  })

  it('takes "__proto__" for a name like any other', () => {
    expect(json.write('{}', new Map([['/__proto__/x', '1']]))).toBe('{"__proto__":{"x":1}}')
    expect(({} as { x?: number }).x).toBeUndefined()
  })
})

describe('yaml', () => {
  const text = `# what the shop is
log:
  level: debug # while we look for the fault
  # rotated daily
  file: 'shop.log'
limits: [1, 2]
`

  it('reads values by pointer', () => {
    expect(entries(yaml.read(text))).toEqual({
      '/log/level': '"debug"',
      '/log/file': '"shop.log"',
      '/limits': '[1,2]',
    })
    expect(entries(yaml.read(''))).toEqual({})
  })

  it('writes single values and keeps comments, quotes and order', () => {
    const changes = new Map([
      ['/log/level', '"info"'],
      ['/log/file', '"other.log"'],
      ['/limits', null],
    ])
    expect(yaml.write(text, changes)).toBe(`# what the shop is
log:
  level: info # while we look for the fault
  # rotated daily
  file: 'other.log'
`)
  })

  it('keeps the type of what it writes', () => {
    const changed = yaml.write(
      `a: '1'\nb: true\nc: x\n`,
      new Map([
        ['/a', '2'],
        ['/b', '"yes"'],
        ['/c', '"true"'],
      ]),
    )
    expect(entries(yaml.read(changed))).toEqual({ '/a': '2', '/b': '"yes"', '/c': '"true"' })
  })

  it('refuses several documents, duplicate keys, and what unfolds without end', () => {
    expect(() => yaml.read('a: 1\n---\nb: 2\n')).toThrow(FormatError)
    expect(() => yaml.read('a: 1\na: 2\n')).toThrow(FormatError)
    expect(() => yaml.read('a: [')).toThrow(FormatError)
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n`
    expect(() => yaml.read(bomb)).toThrow()
  })
})

describe('properties', () => {
  const text = '# limits\nLOG_LEVEL=debug\nexport MAX = 5\n\nempty=\n'

  it('reads and writes names, and keeps comments and spacing', () => {
    expect(entries(properties.read(text))).toEqual({ LOG_LEVEL: '"debug"', MAX: '"5"', empty: '""' })
    const changes = new Map([
      ['LOG_LEVEL', '"info"'],
      ['MAX', '"7"'],
      ['empty', null],
      ['ADDED', '"1"'],
    ])
    expect(properties.write(text, changes)).toBe('# limits\nLOG_LEVEL=info\nexport MAX = 7\n\nADDED=1\n')
  })

  it('refuses what it would misread', () => {
    expect(() => properties.read('A=1\nA=2\n')).toThrow('line 2: A stands there twice')
    expect(() => properties.read('A=1 \\\n 2\n')).toThrow('goes on in the next line')
    expect(() => properties.read('just words here\n')).toThrow('line 1 is neither')
    expect(() => properties.write('A=1\n', new Map([['A', '"x\\nB=2"']]))).toThrow('one line of text')
    expect(() => properties.keyOf('a b')).toThrow(FormatError)
  })
})

describe('a ConfigMap in a manifest', () => {
  const manifest = `# the shop
apiVersion: v1
kind: Service
metadata: { name:   shop }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop-config # mounted at /etc/shop
  namespace: prod
data:
  # more while we look for the fault
  LOG_LEVEL: debug
  app.yaml: |
    a: 1
    b: 2
binaryData:
  logo: aGVsbG8=
---
kind: ConfigMap
metadata: { name: other }
data: { LOG_LEVEL:   keep }
`
  const shop = configMap({ name: 'shop-config', namespace: null })

  it('is its data, by section and key', () => {
    expect(entries(shop.read(manifest))).toEqual({
      'data/LOG_LEVEL': '"debug"',
      'data/app.yaml': '"a: 1\\nb: 2\\n"',
      'binaryData/logo': '"aGVsbG8="',
    })
  })

  it('is restored by key: comments, metadata and other objects stay byte for byte', () => {
    const changes = new Map([
      ['data/LOG_LEVEL', '"info"'],
      ['data/app.yaml', '"a: 1\\n"'],
      ['binaryData/logo', null],
    ])
    const changed = shop.write(manifest, changes)
    const documents = changed.split('---\n')
    expect([documents[0], documents[2]]).toEqual([manifest.split('---\n')[0], manifest.split('---\n')[2]])
    expect(documents[1]).toBe(`apiVersion: v1
kind: ConfigMap
metadata:
  name: shop-config # mounted at /etc/shop
  namespace: prod
data:
  # more while we look for the fault
  LOG_LEVEL: info
  app.yaml: |
    a: 1
`)
    expect(entries(shop.read(changed))).toEqual({ 'data/LOG_LEVEL': '"info"', 'data/app.yaml': '"a: 1\\n"' })
  })

  it('must be there once, under its name', () => {
    expect(() => configMap({ name: 'none', namespace: null }).read(manifest)).toThrow('no ConfigMap none')
    expect(() => configMap({ name: 'shop-config', namespace: 'test' }).read(manifest)).toThrow(
      'no ConfigMap test/shop-config',
    )
    expect(() => shop.read(`${manifest}---\n${manifest}`)).toThrow('more than one ConfigMap')
  })

  it('holds texts only', () => {
    expect(() => shop.write(manifest, new Map([['data/LOG_LEVEL', '5']]))).toThrow('holds only texts')
    expect(shop.keyOf('LOG_LEVEL')).toBe('data/LOG_LEVEL')
    expect(() => shop.keyOf('../x')).toThrow(FormatError)
  })
})

describe('the format of a file', () => {
  it.each([
    ['a/b.yaml', '/x'],
    ['b.yml', '/x'],
    ['b.json', '/x'],
    ['b.env', 'x'],
    ['b.properties', 'x'],
  ])('%s is known by its extension', (file, key) => {
    const text = file.endsWith('json')
      ? '{"x":"1"}'
      : file.includes('y') && /ya?ml$/.test(file)
        ? 'x: "1"'
        : 'x=1'
    expect(entries(formatOf(undefined, file, null).read(text))).toEqual({ [key]: '"1"' })
  })

  it('is text where nothing else is known, compared by its digest', () => {
    expect(entries(formatOf(undefined, 'motd', null).read('hello'))).toEqual({
      '': '"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"',
    })
  })
})
