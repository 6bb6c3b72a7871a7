/** One server-sent event. */
export interface ServerEvent {
  /** Null: the server gave none, so a resumed stream cannot start after it. */
  readonly id: string | null
  readonly event: string
  readonly data: string
}

/** A line or an event longer than this is not one of ours, characters. */
const MAX_EVENT = 4 * 1024 * 1024

/**
 * Reads the `text/event-stream` format (WHATWG HTML, 9.2.6): any of the three line ends, comments skipped, fields
 * joined; an event that the end of the stream cuts off is dropped, as the format demands.
 * @throws RangeError when an event is above 4 Mi characters.
 */
export async function* readEventStream(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let fields = emptyFields()
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    // A CR at the very end may be half of a CRLF: leave it for the next chunk.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    if (rest.length + fields.size > MAX_EVENT)
      throw new RangeError('a server-sent event above 4 Mi characters')
    for (const line of lines) {
      if (line !== '') takeLine(fields, line)
      else {
        if (fields.data.length > 0)
          yield { id: fields.id, event: fields.event || 'message', data: fields.data.join('\n') }
        fields = { ...emptyFields(), id: fields.id }
      }
    }
  }
}

interface Fields {
  id: string | null
  event: string
  data: string[]
  size: number
}

function emptyFields(): Fields {
  return { id: null, event: '', data: [], size: 0 }
}

function takeLine(fields: Fields, line: string): void {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const name = colon < 0 ? line : line.slice(0, colon)
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
  fields.size += value.length
  if (name === 'data') fields.data.push(value)
  else if (name === 'event') fields.event = value
  else if (name === 'id' && !value.includes('\0')) fields.id = value
}
