import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePointer, sameJson, valueAt } from './pointer.js'

describe('JSON pointers', () => {
  it('lead where RFC 6901 says', () => {
    const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'm~n': 8, deep: { x: null } }
    const at = (text: string) => valueAt(document, parsePointer(text) ?? ['?'])
    expect([at(''), at('/foo'), at('/foo/0'), at('/'), at('/a~1b'), at('/m~0n'), at('/deep/x')]).toEqual([
      document,
      ['bar', 'baz'],
      'bar',
      0,
      1,
      8,
      null,
    ])
  })

  it('lead nowhere outside the document', () => {
    const at = (text: string) => valueAt({ list: [1], text: 'abc' }, parsePointer(text) ?? [])
    expect([
      at('/list/1'),
      at('/list/-'),
      at('/list/length'),
      at('/list/00'),
      at('/text/0'),
      at('/constructor'),
      at('/x/y'),
    ]).toEqual(Array(7).fill(undefined))
  })

  it.each(['status', '/a~', '/a~2b', '#/a'])('%j is none', text => {
    expect(parsePointer(text)).toBeNull()
  })
})

describe('comparison', () => {
  it('ignores the order of fields and nothing else', () => {
    expect(sameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true)
    expect(sameJson([1, 2], [2, 1])).toBe(false)
    expect(sameJson({ a: undefined }, { b: undefined })).toBe(false)
    expect(sameJson(null, undefined)).toBe(false)
    expect(sameJson('1', 1)).toBe(false)
    expect(sameJson([], {})).toBe(false)
  })

  it('agrees with a copy of any JSON value, and holds both ways', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(sameJson(a, structuredClone(a))).toBe(true)
        expect(sameJson(a, b)).toBe(sameJson(b, a))
      }),
    )
  })
})
