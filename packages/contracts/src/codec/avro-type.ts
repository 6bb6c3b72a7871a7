import avro from 'avsc'

/**
 * Compiles a schema so that it decodes to plain objects: logical types stay numbers, unions stay unwrapped, and
 * records have `Object.prototype` instead of a class of their own, so that they compare, clone and print like any object.
 * @throws Error when the text is not an Avro schema, or holds a union whose branches a bare value cannot tell apart.
 */
export function compileSchema(schema: string): avro.Type {
  const type = avro.Type.forSchema(JSON.parse(schema), { omitRecordMethods: true, wrapUnions: false })
  makePlain(type, new Set())
  return type
}

/** Text that is equal for schemas that mean the same: without docs and logical types, with defaults and aliases. */
export function normalForm(type: avro.Type): string {
  return JSON.stringify(type.schema({ exportAttrs: true }))
}

/** The types directly inside a type: fields, items, values, branches. */
export function innerTypes(type: avro.Type): readonly avro.Type[] {
  if (type instanceof avro.types.RecordType) return type.fields.map(field => field.type)
  if (type instanceof avro.types.ArrayType) return [type.itemsType]
  if (type instanceof avro.types.MapType) return [type.valuesType]
  if (type instanceof avro.types.UnwrappedUnionType) return type.types
  return []
}

function makePlain(type: avro.Type, seen: Set<avro.Type>): void {
  if (seen.has(type)) return
  seen.add(type)
  if (type instanceof avro.types.RecordType)
    (type.recordConstructor as unknown as { prototype: object }).prototype = Object.prototype
  for (const inner of innerTypes(type)) makePlain(inner, seen)
}
