import avro from 'avsc'

/**
 * Why two versions of a record cannot read each other, both ways, field by field. Registries say it too, but by
 * position only; and without one the check still runs.
 * @returns empty when they are fully compatible.
 */
export function incompatibilities(older: string, newer: string): readonly string[] {
  const [a, b] = [older, newer].map(text => avro.Type.forSchema(JSON.parse(text), { wrapUnions: false })) as [
    avro.Type,
    avro.Type,
  ]
  const found = compare(a, b, '')
  if (found.length > 0) return found
  // Whatever the comparison does not know, Avro's own resolution still refuses.
  return [
    resolution(a, b, 'events of the older version would not be readable'),
    resolution(b, a, 'older readers could not read it'),
  ].filter(problem => problem !== null)
}

function compare(older: avro.Type, newer: avro.Type, path: string): string[] {
  if (older instanceof avro.types.RecordType && newer instanceof avro.types.RecordType)
    return compareRecords(older, newer, path)
  if (older instanceof avro.types.ArrayType && newer instanceof avro.types.ArrayType)
    return compare(older.itemsType, newer.itemsType, `${path}[]`)
  return resolution(older, newer, '') === null && resolution(newer, older, '') === null
    ? []
    : [`field "${path}" changed from ${show(older)} to ${show(newer)}, which do not read each other`]
}

function compareRecords(older: avro.types.RecordType, newer: avro.types.RecordType, path: string): string[] {
  const problems: string[] = []
  if (older.name !== newer.name) problems.push(`the record ${older.name} was renamed to ${newer.name}`)
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  for (const field of newer.fields) {
    const before = older.field(field.name) as avro.types.Field | undefined
    if (before) problems.push(...compare(before.type, field.type, at(field.name)))
    else if (field.defaultValue() === undefined)
      problems.push(`field "${at(field.name)}" was added without a default, so older events lack it`)
  }
  for (const field of older.fields)
    if (!newer.field(field.name) && field.defaultValue() === undefined)
      problems.push(`field "${at(field.name)}" was removed, and older readers need it: it has no default`)
  return problems
}

function resolution(writer: avro.Type, reader: avro.Type, consequence: string): string | null {
  try {
    reader.createResolver(writer)
    return null
  } catch (error) {
    return `${consequence}: ${(error as Error).message}`
  }
}

function show(type: avro.Type): string {
  const text = JSON.stringify(type.schema())
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}
