// Writes the TypeScript types and embedded schemas of every event from schemas/**/*.avsc.
//   node scripts/generate.mjs          writes packages/contracts/src/generated/
//   node scripts/generate.mjs --check  compares instead; exit 1 when they differ
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const target = join(root, 'packages/contracts/src/generated')

/** Every schema file: {topic, name, version, schema}, in a stable order. */
function schemaFiles() {
  const found = []
  for (const topic of readdirSync(join(root, 'schemas')).sort()) {
    for (const file of readdirSync(join(root, 'schemas', topic)).sort()) {
      const match = /^([A-Za-z]+)\.v([1-9]\d*)\.avsc$/.exec(file)
      if (!match) throw new Error(`schemas/${topic}/${file}: expected <Event>.v<N>.avsc`)
      const schema = JSON.parse(readFileSync(join(root, 'schemas', topic, file), 'utf8'))
      if (schema.name !== match[1])
        throw new Error(`schemas/${topic}/${file}: the record is named ${schema.name}`)
      found.push({ topic, name: match[1], version: Number(match[2]), schema })
    }
  }
  return found
}

const PRIMITIVES = {
  string: 'string',
  int: 'number',
  long: 'number',
  double: 'number',
  boolean: 'boolean',
  null: 'null',
  bytes: 'Uint8Array',
}

function typescriptType(type, nested) {
  if (Array.isArray(type))
    return [...type]
      .sort((a, b) => (a === 'null') - (b === 'null'))
      .map(t => typescriptType(t, nested))
      .join(' | ')
  if (typeof type === 'string') return PRIMITIVES[type] ?? type
  if (type.type === 'array') return `readonly ${wrap(typescriptType(type.items, nested))}[]`
  if (type.type === 'record') {
    nested.set(type.name, interfaceOf(type, nested))
    return type.name
  }
  return typescriptType(type.type, nested)
}

const wrap = text => (text.includes('|') ? `(${text})` : text)

function interfaceOf(schema, nested) {
  const doc = schema.doc ? `/** ${schema.doc} */\n` : ''
  const fields = schema.fields.map(
    f => `  /** ${f.doc} */\n  readonly ${f.name}: ${typescriptType(f.type, nested)}`,
  )
  return `${doc}export interface ${schema.name} {\n${fields.join('\n')}\n}\n`
}

function render(files) {
  const latest = new Map()
  for (const f of files) if ((latest.get(f.name)?.version ?? 0) < f.version) latest.set(f.name, f)
  const events = [...latest.values()]
  const nested = new Map()
  const interfaces = events.map(f => interfaceOf(f.schema, nested))
  const banner = '// Generated from schemas/ by scripts/generate.mjs. Do not edit.\n\n'
  const types = `${banner}${[...nested.values()].join('\n')}\n${interfaces.join('\n')}
/** The current version of every event, by name. */
export interface EventMap {
${events.map(f => `  ${f.name}: ${f.name}`).join('\n')}
}
`
  const schemas = `${banner}/** A schema file: one immutable version of one event. */
export interface SchemaFile {
  readonly topic: string
  readonly name: string
  readonly version: number
  readonly schema: string
}

/** Every version of every event, as the text of its Avro schema. */
export const SCHEMA_FILES: readonly SchemaFile[] = [
${files.map(f => `  { topic: '${f.topic}', name: '${f.name}', version: ${f.version}, schema: ${JSON.stringify(JSON.stringify(f.schema))} },`).join('\n')}
]
`
  return { 'events.ts': types, 'schemas.ts': schemas }
}

const rendered = render(schemaFiles())
const check = process.argv.includes('--check')
mkdirSync(target, { recursive: true })
let stale = 0
for (const [name, text] of Object.entries(rendered)) {
  const file = join(target, name)
  if (!check) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${relative(root, file)} is not what the schemas give. Run: npm run generate\n`)
    stale++
  }
}
process.exitCode = stale ? 1 : 0
