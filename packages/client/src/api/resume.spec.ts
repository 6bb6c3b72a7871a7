import { expect, test } from 'vitest'
import type { ServerEvent } from './event-stream.js'
import { ApiProblem } from './problem.js'
import { resuming } from './resume.js'

const event = (id: string | null): ServerEvent => ({ id, event: 'message', data: id ?? '' })

/** Plays one connection after the other: events, then how it ends (null: the server closes it). */
function play(connections: readonly { events: readonly ServerEvent[]; end: Error | null }[]) {
  const stop = new AbortController()
  const opened: (string | null)[] = []
  const waits: number[] = []
  const stream = resuming(
    async function* (last) {
      opened.push(last)
      const connection = connections[opened.length - 1]
      if (!connection) {
        stop.abort()
        return
      }
      yield* connection.events
      if (connection.end) throw connection.end
    },
    {
      signal: stop.signal,
      wait: async () => undefined,
      onReconnect: (_error, ms) => waits.push(ms),
    },
  )
  return { stream, opened, waits }
}

async function ids(stream: AsyncIterable<ServerEvent>): Promise<(string | null)[]> {
  const seen: (string | null)[] = []
  for await (const { id } of stream) seen.push(id)
  return seen
}

test('goes on behind the last event that was delivered', async () => {
  const { stream, opened } = play([
    { events: [event('1'), event('2')], end: new Error('cut') },
    { events: [event(null)], end: null },
    { events: [event('3')], end: new Error('cut') },
  ])
  expect(await ids(stream)).toEqual(['1', '2', null, '3'])
  expect(opened).toEqual([null, '2', '2', '3'])
})

test('waits longer while nothing comes, up to a bound, and not after something came', async () => {
  const silent = { events: [], end: new Error('refused') }
  const { stream, waits } = play([...Array(6).fill(silent), { events: [event('1')], end: null }])
  await ids(stream)
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 250])
})

test('a refusal that does not pass by itself ends it; a server in trouble does not', async () => {
  const problem = (status: number) => new ApiProblem(status, 'about:blank', 'x', null, null)
  const { stream, opened } = play([
    { events: [], end: problem(503) },
    { events: [], end: problem(404) },
  ])
  await expect(ids(stream)).rejects.toMatchObject({ status: 404 })
  expect(opened).toEqual([null, null])
})
