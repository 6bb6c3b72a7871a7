import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CannotSplice, readDefinitions, splice } from './splice.js'

const edit = (text: string, change: Record<string, never> | Record<string, unknown>, path = ['flags', 'a']) =>
  splice(readDefinitions(text), path, change as never)

describe('a change of one flag in JSON', () => {
  const text =
    '{ "flags": {\n  "a": {\n    "x": 1,\n    "y": [1, 2],\n    "z": "3"\n  },\n  "b": {"x":1   ,"y" :2} } }\n'

  it.each([
    ['a value', { y: 7 }, text.replace('[1, 2]', '7')],
    ['the first field goes', { x: null }, text.replace('"x": 1,\n    ', '')],
    ['a field in between goes', { y: null }, text.replace('"y": [1, 2],\n    ', '')],
    ['the last field goes', { z: null }, text.replace(',\n    "z": "3"', '')],
    ['a field comes', { w: true }, text.replace('"z": "3"', '"z": "3",\n    "w": true')],
    [
      'one goes, one changes, one comes',
      { x: null, z: {}, w: 0 },
      text
        .replace('"x": 1,\n    ', '')
        .replace('"y": [1, 2],\n    "z": "3"', '"y": [1, 2],\n    "z": {},\n    "w": 0'),
    ],
    ['nothing', {}, text],
    ['a field that is not there goes', { q: null }, text],
  ])('%s: every other byte stays', (_, change, expected) => {
    expect(edit(text, change)).toBe(expected)
  })

  it('on one line, and in an empty flag', () => {
    expect(edit('{"flags":{"a":{"x":1,"y":2}}}', { z: 3 })).toBe('{"flags":{"a":{"x":1,"y":2,"z": 3}}}')
    expect(edit('{"flags":{"a":{}}}', { z: 3 })).toBe('{"flags":{"a":{ "z": 3 }}}')
  })
})

describe('a change of one flag in YAML', () => {
  const text =
    '# top\nflags:\n  a: # ours\n    x: 1 # one\n    y:\n      deep: [1]\n      # inside\n    z: "3"\n  # theirs\n  b:\n    x: 1\n'

  it.each([
    ['a value', { x: 2 }, text.replace('x: 1 # one', 'x: 2 # one')],
    ['a block becomes a value', { y: ['q'] }, text.replace('y:\n      deep: [1]\n', 'y:\n      ["q"]\n')],
    ['a field goes', { x: null }, text.replace('    x: 1 # one\n', '')],
    ['a field comes', { w: true }, text.replace('    x: 1 # one', '    "w": true\n    x: 1 # one')],
  ])('%s: comments and order stay', (_, change, expected) => {
    expect(edit(text, change)).toBe(expected)
  })
})

it.each([
  ['[1]', 'it holds no map of flags'],
  ['{"flags": ', 'it is neither JSON nor YAML'],
  ['{"flags": {"a": 1}}', 'flags.a is not written out as a map'],
  ['flags:\n  b: &base {x: 1}\n  a: *base\n', 'flags.a is not written out as a map'],
  ['flags:\n  a: &base\n    x: 1\n  b: *base\n', 'flags.a is shared by an anchor'],
])('%j is left alone, with the reason', (text, reason) => {
  expect(() => edit(text, { x: 2 })).toThrow(reason)
  expect(() => edit(text, { x: 2 })).toThrow(CannotSplice)
})

it('whatever the layout, the result means exactly the wanted content', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constantFrom('on', 'off', 'é"\\'),
    fc.array(fc.integer(), { maxLength: 2 }),
  )
  const fields = fc.dictionary(fc.constantFrom('p', 'q', 'r', 's'), value, { minKeys: 1 })
  const change = fc.dictionary(fc.constantFrom('p', 'q', 'r', 's', 't'), fc.option(value))
  const indent = fc.constantFrom(undefined, 2, '\t')
  fc.assert(
    fc.property(fields, fields, change, indent, (a, b, wanted, space) => {
      const text = JSON.stringify({ flags: { a, b }, $schema: 'x' }, null, space)
      const expected = { ...a, ...wanted }
      for (const [name, one] of Object.entries(expected)) if (one === null) delete expected[name]
      expect(JSON.parse(edit(text, wanted))).toEqual({ flags: { a: expected, b }, $schema: 'x' })
    }),
    { numRuns: 300 },
  )
})
