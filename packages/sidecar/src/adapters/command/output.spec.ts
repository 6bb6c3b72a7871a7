import { describe, expect, it } from 'vitest'
import { Lines } from './lines.js'
import { redactor } from './redact.js'

function said(chunks: readonly (string | Buffer)[], maxBytes = 1_000, secrets: readonly string[] = []) {
  const lines: string[] = []
  const stream = new Lines(maxBytes, redactor(secrets), line => lines.push(line))
  for (const chunk of chunks) stream.push(Buffer.from(chunk))
  stream.end()
  return { lines, stream }
}

describe('what a program prints', () => {
  it('is cut into lines, wherever its pieces end', () => {
    expect(said(['one\ntw', 'o\r\n', '\n', 'three']).lines).toEqual(['one', 'two', 'three'])
  })

  it('keeps characters that arrive in pieces', () => {
    const bytes = Buffer.from('Müller\n')
    expect(said([bytes.subarray(0, 2), bytes.subarray(2)]).lines).toEqual(['Müller'])
  })

  it('loses what moves a cursor or colours a line', () => {
    expect(said(['\u001b[31mred\u001b[0m\u0007 \u202eabc\n']).lines).toEqual(['red   abc'])
  })

  it('is bounded as a whole and by line, and says so', () => {
    const { lines, stream } = said(['a\nbcdef', 'ghi\n', 'more\n'], 6)
    expect(lines).toEqual(['a', '[more than 6 bytes: the rest was not kept]'])
    expect([stream.text, stream.cut]).toEqual(['a\nbcde', true])
    expect(said(['x'.repeat(600)]).lines).toEqual([`${'x'.repeat(500)}…`])
  })

  it.each([
    ['secret s3cr3t-value!', 'secret [redacted]'],
    ['s\u001b[0m3cr3t-value', '[redacted]'],
    ['postgres://app:hunter2@db/x', 'postgres://app:[redacted]@db/x'],
    ['Authorization: Bearer abc.def-ghi123', 'Authorization: Bearer [redacted]'],
    ['DB_PASSWORD=hunter2 retries=3', 'DB_PASSWORD=[redacted] retries=3'],
    ['{"apiKey": "abc", "n": 1}', '{"apiKey": [redacted], "n": 1}'],
    ['first line of a key', '[redacted]'],
    ['nothing to hide: 42', 'nothing to hide: 42'],
  ])('%s shows no secret', (line, shown) => {
    const secrets = ['s3cr3t-value', 's3cr3t-value!', 'first line of a key\nsecond line', 'abc']
    expect(said([`${line}\n`], 1_000, secrets).lines).toEqual([shown])
  })

  it('shows no half of a secret where a line is shortened', () => {
    const secret = 'k'.repeat(40)
    const { lines } = said([`${'x'.repeat(480)}${secret}\n`], 10_000, [secret])
    expect(lines).toEqual([`${'x'.repeat(480)}[redacted]`])
  })
})
