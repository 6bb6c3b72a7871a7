import { SCHEMA_FILES } from '@unwind/contracts'
import { expect, test } from 'vitest'
import { incompatibilities } from './compatibility.js'

const record = (fields: readonly object[], name = 'NoteAdded') =>
  JSON.stringify({ type: 'record', name, namespace: 'unwind', fields })
const id = { name: 'id', type: 'string' }
const nested = (fields: readonly object[]) => ({
  name: 'items',
  type: { type: 'array', items: { type: 'record', name: 'Item', fields } },
})

test.each<[string, object[], object[]]>([
  ['nothing changes', [id], [id]],
  ['a field with a default is added', [id], [id, { name: 'text', type: ['null', 'string'], default: null }]],
  ['a field with a default is removed', [id, { name: 'text', type: 'string', default: '' }], [id]],
  ['fields change places', [id, { name: 'n', type: 'int' }], [{ name: 'n', type: 'int' }, id]],
  [
    'a nested field with a default is added',
    [nested([id])],
    [nested([id, { name: 'n', type: 'int', default: 0 }])],
  ],
])('versions read each other when %s', (_, older, newer) => {
  expect(incompatibilities(record(older), record(newer))).toEqual([])
})

test.each<[object[], object[], string[]]>([
  [
    [id],
    [id, { name: 'text', type: 'string' }],
    ['field "text" was added without a default, so older events lack it'],
  ],
  [
    [id, { name: 'text', type: 'string' }],
    [id],
    ['field "text" was removed, and older readers need it: it has no default'],
  ],
  [
    [id],
    [{ name: 'id', type: 'int' }],
    ['field "id" changed from "string" to "int", which do not read each other'],
  ],
  [
    [{ name: 'n', type: 'int' }],
    [{ name: 'n', type: 'long' }],
    ['field "n" changed from "int" to "long", which do not read each other'],
  ],
  [
    [id],
    [{ name: 'id', type: ['null', 'string'] }],
    ['field "id" changed from "string" to ["null","string"], which do not read each other'],
  ],
  [
    [nested([id])],
    [nested([id, { name: 'n', type: 'int' }])],
    ['field "items[].n" was added without a default, so older events lack it'],
  ],
  [
    [id],
    [{ name: 'name', type: 'string' }],
    [
      'field "name" was added without a default, so older events lack it',
      'field "id" was removed, and older readers need it: it has no default',
    ],
  ],
])('%j → %j is refused, naming the field', (older, newer, problems) => {
  expect(incompatibilities(record(older), record(newer))).toEqual(problems)
})

test('a renamed record is refused', () => {
  expect(incompatibilities(record([id]), record([id], 'NoteWritten'))).toEqual([
    'the record unwind.NoteAdded was renamed to unwind.NoteWritten',
  ])
})

test('every version of every event reads and is read by every other', () => {
  for (const a of SCHEMA_FILES)
    for (const b of SCHEMA_FILES)
      if (a.name === b.name && a.version < b.version)
        expect(incompatibilities(a.schema, b.schema), `${a.name} v${a.version} and v${b.version}`).toEqual([])
})
