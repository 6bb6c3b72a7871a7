/** A name as an SQL identifier, always quoted. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text constant. Only for generated functions; everything at run time is bound. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** "public.orders" as a quoted pair. */
export function qualified(schema: string, name: string): string {
  return `${ident(schema)}.${ident(name)}`
}
