/** A name as an SQL identifier, always quoted. */
export function ident(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** A text constant. Only for generated SQL; what comes from outside is bound. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`
}

/** "shop.orders" as a quoted pair. */
export function qualified(database: string, name: string): string {
  return `${ident(database)}.${ident(name)}`
}

/**
 * Numbers of the log as they came from it: 64 bits, so texts in JavaScript, and written without quotes so that the server
 * compares numbers. Never empty in SQL.
 * @throws TypeError for anything that is not a number: the last wall before generated SQL.
 */
export function numbers(ids: readonly string[]): string {
  for (const id of ids) if (!/^\d{1,20}$/.test(id)) throw new TypeError(`"${id}" is not a number of the log`)
  return ids.length === 0 ? '0' : ids.join(', ')
}
