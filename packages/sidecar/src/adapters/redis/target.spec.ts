import { contractSchema } from '@unwind/contracts'
import { expect, test } from 'vitest'
import { compileRedisContract, luaPattern } from './target.js'

function compiled(adapter: object, action: object = {}) {
  return compileRedisContract(
    contractSchema.parse({
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system: 'carts',
      version: '1.0.0',
      owner: { team: 'carts', contact: 'carts@example.test' },
      success: 'as it was',
      adapter: { kind: 'redis', url: 'redis://localhost', ...adapter },
      actions: { changed: action },
    }),
  )
}

test('rules reach the scripts as patterns for the whole text, ignore before delta', () => {
  const { target } = compiled(
    {},
    {
      onConflict: 'merge',
      undo: { delta: [{ key: 'stock:*', field: 'qty', min: 0 }], ignore: [{ field: '(ttl)' }] },
    },
  )
  expect(JSON.parse(target!.rules)).toEqual({
    changed: {
      onConflict: 'merge',
      rules: [
        { key: '^.*$', field: '^%(ttl%)$', ignore: true },
        { key: '^stock:.*$', field: '^qty$', delta: true, min: 0 },
      ],
    },
  })
})

test.each([
  ['a.b', '^a%.b$'],
  ['a?b*', '^a.b.*$'],
  ['100%-[x]', '^100%%%-%[x%]$'],
  ['^$()+', '^%^%$%(%)%+$'],
])('the glob %s is the Lua pattern %s', (glob, pattern) => {
  expect(luaPattern(glob)).toBe(pattern)
})

const item = (key: string) => ({ type: 'string', key, before: null, after: '1' })

test.each([
  [{ url: 'http://localhost' }, {}, 'adapter.url: expected a redis:// or rediss:// URL'],
  [{ urls: [] }, {}, 'adapter: unknown key "urls"'],
  [{ images: 'data' }, {}, 'actions.changed.undo: missing'],
  [{ images: 'data' }, { undo: {} }, 'actions.changed.undo: expected items, append or both'],
  [{}, { undo: { items: [] } }, 'actions.changed.undo: unknown key "items"'],
  [
    {},
    { undo: { delta: [{ field: 'qty', least: 0 }] } },
    'actions.changed.undo.delta.0: unknown key "least"',
  ],
  [{}, { probe: {} }, 'actions.changed.probe: the redis adapter reads the touched keys back by itself'],
  [
    {},
    { reversibility: 'irreversible', undo: {} },
    'actions.changed.undo: the action is declared irreversible',
  ],
  [
    { images: 'data', cluster: true },
    { undo: { items: [item('a:{id}'), item('b:{id}')] } },
    'share one hash tag',
  ],
])('%j %j is refused', (adapter, action, problem) => {
  const { target, problems } = compiled(adapter, action)
  expect(target).toBeNull()
  const texts = problems.map(({ key, message }) => `${key.join('.')}: ${message}`)
  expect(
    texts.some(text => text.includes(problem)),
    texts.join('\n'),
  ).toBe(true)
})

test('a wrong section does not hide what is wrong with the actions', () => {
  const { problems } = compiled({ url: 'nowhere' }, { probe: {} })
  expect(problems.map(({ key }) => key.join('.'))).toEqual(['adapter.url', 'actions.changed.probe'])
})

test('in a cluster keys with one hash tag are accepted', () => {
  const keys = [item('{{{id}}}:a'), item('{{{id}}}:b')]
  expect(compiled({ images: 'data', cluster: true }, { undo: { items: keys } }).problems).toEqual([])
})
