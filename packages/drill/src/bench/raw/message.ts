import { readFileSync, writeFileSync } from 'node:fs'

/** One record of a real rollback, kept to be sent again without any logic. `name`: event type, and step if it has one. */
export interface Template {
  readonly name: string
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

export type Templates = ReadonlyMap<string, Template>

/** Header that names the template, so that a reader does not decode anything. */
export const NAME = 'raw'

export function saveTemplates(file: string, templates: Iterable<Template>): void {
  const rows = [...templates].map(t => ({ ...t, value: t.value.toString('base64') }))
  writeFileSync(file, JSON.stringify(rows))
}

export function loadTemplates(file: string): Templates {
  const rows = JSON.parse(readFileSync(file, 'utf8')) as {
    name: string
    value: string
    headers: Record<string, string>
  }[]
  return new Map(rows.map(r => [r.name, { ...r, value: Buffer.from(r.value, 'base64') }]))
}
