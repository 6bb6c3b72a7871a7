import { type Format, FormatError, ordered } from './format.js'

const LINE = /^(\s*(?:export\s+)?)([A-Za-z0-9_][\w.-]*)(\s*[=:]\s*)(.*)$/
const NAME = /^[A-Za-z0-9_][\w.-]*$/

/**
 * `name = value` lines, as .env and .properties files have them. Each name stands once; values are texts as they are
 * written, quotes included; other lines are comments.
 */
export const properties: Format = {
  read(text) {
    const values = new Map<string, string>()
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const found = parse(line, index)
      if (!found) continue
      if (values.has(found.name)) throw new FormatError(`line ${index + 1}: ${found.name} stands there twice`)
      values.set(found.name, JSON.stringify(found.value))
    }
    return values
  },
  write(text, changes) {
    const end = text.includes('\r\n') ? '\r\n' : '\n'
    const open = new Map(
      ordered(changes).map(([name, value]) => [name, value === null ? null : textOf(name, value)]),
    )
    const lines = text.split(/\r?\n/).flatMap((line, index) => {
      const found = parse(line, index)
      if (!found || !open.has(found.name)) return [line]
      const value = open.get(found.name)!
      open.delete(found.name)
      return value === null ? [] : [found.lead + found.name + found.separator + value]
    })
    const added = [...open].flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]))
    if (added.length === 0) return lines.join(end)
    const body = lines.at(-1) === '' ? lines.slice(0, -1) : lines
    return `${[...body, ...added].join(end)}${end}`
  },
  keyOf(name) {
    if (!NAME.test(name)) throw new FormatError(`${JSON.stringify(name)} is not the name of a property`)
    return name
  },
}

function parse(line: string, index: number) {
  const trimmed = line.trim()
  if (trimmed === '' || /^[#!;]/.test(trimmed)) return null
  const [, lead, name, separator, value] = LINE.exec(line) ?? []
  if (name === undefined) throw new FormatError(`line ${index + 1} is neither "name = value" nor a comment`)
  if (value!.endsWith('\\'))
    throw new FormatError(`line ${index + 1} goes on in the next line, which is not understood`)
  return { lead: lead!, name, separator: separator!, value: value!.trimEnd() }
}

function textOf(name: string, value: string): string {
  const text: unknown = JSON.parse(value)
  if (typeof text === 'object' || /[\r\n]/.test(String(text)))
    throw new FormatError(`${name} is ${value}: a property holds one line of text`)
  return String(text)
}
