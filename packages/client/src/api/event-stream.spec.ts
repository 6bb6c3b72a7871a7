import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEventStream, type ServerEvent } from './event-stream.js'

async function read(...chunks: readonly (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const encoder = new TextEncoder()
  async function* body() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? encoder.encode(chunk) : chunk
  }
  const events: ServerEvent[] = []
  for await (const event of readEventStream(body())) events.push(event)
  return events
}

test('reads events with and without a name, and joins lines of data', async () => {
  expect(await read('id: 1\ndata: a\ndata: b\n\nevent: note\ndata:c\n\n')).toEqual([
    { id: '1', event: 'message', data: 'a\nb' },
    { id: '1', event: 'note', data: 'c' },
  ])
})

test('passes over comments, unknown fields and events without data', async () => {
  expect(await read(': still here\n\nretry: 5\n\nid: 7\n\ndata: x\n\n')).toEqual([
    { id: '7', event: 'message', data: 'x' },
  ])
})

test('drops an event that the end of the stream cut off', async () => {
  expect(await read('data: whole\n\ndata: half\n')).toEqual([{ id: null, event: 'message', data: 'whole' }])
})

test('takes all three line ends, wherever the chunks are cut, also inside a character', async () => {
  const text = 'id: 1\r\ndata: grün\r\n\r\nid: 2\rdata: ✓\r\rid: 3\ndata: z\n\n'
  const bytes = new TextEncoder().encode(text)
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 }),
      async cuts => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        expect(await read(...chunks)).toEqual([
          { id: '1', event: 'message', data: 'grün' },
          { id: '2', event: 'message', data: '✓' },
          { id: '3', event: 'message', data: 'z' },
        ])
      },
    ),
  )
})

test('an event without end does not fill the memory', async () => {
  await expect(read('data: '.padEnd(3_000_000, 'x'), 'y'.repeat(2_000_000))).rejects.toThrow(RangeError)
})
