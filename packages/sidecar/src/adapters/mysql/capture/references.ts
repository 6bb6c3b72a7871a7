import type { Session } from '../database.js'
import type { Cascade, TableLayout } from '../layout.js'

interface ReferenceRow {
  constraint: string
  database: string
  name: string
  theirs: string
  ours: string
  on_delete: string
  on_update: string
}

/** Foreign keys that delete or change rows of others together with those of this table. */
export async function readCascades(
  session: Session,
  database: string,
  table: string,
): Promise<readonly Cascade[]> {
  const rows = await session.rows<ReferenceRow>(
    `SELECT k.CONSTRAINT_NAME AS \`constraint\`, k.TABLE_SCHEMA AS \`database\`, k.TABLE_NAME AS name, k.COLUMN_NAME AS theirs,
       k.REFERENCED_COLUMN_NAME AS ours, r.DELETE_RULE AS on_delete, r.UPDATE_RULE AS on_update
     FROM information_schema.KEY_COLUMN_USAGE k
     JOIN information_schema.REFERENTIAL_CONSTRAINTS r
       ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
     WHERE k.REFERENCED_TABLE_SCHEMA = ? AND k.REFERENCED_TABLE_NAME = ?
     ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`,
    [database, table],
  )
  const cascades = new Map<string, Cascade>()
  for (const row of rows) {
    const key = `${row.database}.${row.name}.${row.constraint}`
    const pair = { theirs: row.theirs, ours: row.ours }
    const known = cascades.get(key)
    cascades.set(key, known ? { ...known, columns: [...known.columns, pair] } : cascadeOf(row, pair))
  }
  return [...cascades.values()].filter(each => each.onDelete !== 'none' || each.onUpdate !== 'none')
}

function cascadeOf(row: ReferenceRow, pair: { theirs: string; ours: string }): Cascade {
  const rule = <W extends string>(text: string, whole: W): W | 'clear' | 'none' =>
    text === 'CASCADE' ? whole : /^SET /.test(text) ? 'clear' : 'none'
  return {
    database: row.database,
    name: row.name,
    label: `${row.database}.${row.name}`,
    constraint: row.constraint,
    onDelete: rule(row.on_delete, 'remove'),
    onUpdate: rule(row.on_update, 'follow'),
    columns: [pair],
  }
}

/** Foreign keys that would change rows of this table together with those of another, from outside. */
export async function readParents(
  session: Session,
  layouts: readonly TableLayout[],
): Promise<
  ReadonlyMap<
    string,
    readonly { readonly label: string; readonly constraint: string; readonly cascades: boolean }[]
  >
> {
  const parents = new Map<string, { label: string; constraint: string; cascades: boolean }[]>()
  for (const { database, name, label } of layouts) {
    const rows = await session.rows<{ constraint: string; parent: string; cascades: string }>(
      `SELECT DISTINCT r.CONSTRAINT_NAME AS \`constraint\`, CONCAT(r.UNIQUE_CONSTRAINT_SCHEMA, '.', r.REFERENCED_TABLE_NAME) AS parent,
         r.DELETE_RULE NOT IN ('RESTRICT', 'NO ACTION') AS cascades
       FROM information_schema.REFERENTIAL_CONSTRAINTS r WHERE r.CONSTRAINT_SCHEMA = ? AND r.TABLE_NAME = ?`,
      [database, name],
    )
    parents.set(
      label,
      rows.map(row => ({ label: row.parent, constraint: row.constraint, cascades: row.cascades === '1' })),
    )
  }
  return parents
}

/** Longest way to a table that refers to no other captured one; a circle is cut where it is met. */
export function withDepths(
  layouts: readonly TableLayout[],
  parents: ReadonlyMap<string, readonly { readonly label: string }[]>,
): readonly TableLayout[] {
  const captured = new Set(layouts.map(layout => layout.label))
  const depths = new Map<string, number>()
  const depthOf = (label: string, path: ReadonlySet<string>): number => {
    const known = depths.get(label)
    if (known !== undefined) return known
    const next = new Set(path).add(label)
    const above = (parents.get(label) ?? [])
      .filter(parent => captured.has(parent.label) && !next.has(parent.label))
      .map(parent => depthOf(parent.label, next) + 1)
    const depth = Math.max(0, ...above)
    depths.set(label, depth)
    return depth
  }
  return layouts.map(layout => ({ ...layout, depth: depthOf(layout.label, new Set()) }))
}
