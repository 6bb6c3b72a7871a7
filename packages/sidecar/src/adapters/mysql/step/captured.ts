import type { Session } from '../database.js'
import type { CapturedTable, TableLayout } from '../layout.js'
import { logAs } from '../sql/names.js'
import { ident, numbers } from '../sql/quote.js'

/** A captured table with its log; retired ones stay for the actions that their log holds. */
export interface Captured extends CapturedTable {
  readonly active: boolean
}

interface CapturedRow {
  rel: string
  active: string
  version: string
  layout: string
}

/** The logs that there are. Layouts are parsed once a version; another process may install anew at any time. */
export class CapturedTables {
  readonly #known = new Map<string, Captured>()

  constructor(private readonly database: string) {}

  async all(session: Session): Promise<readonly Captured[]> {
    const from = `FROM ${ident(this.database)}.captured`
    const rows = await session.rows<Omit<CapturedRow, 'layout'>>(
      `SELECT rel, active, CONCAT(rel, ':', active, ':', CRC32(layout)) AS version ${from} ORDER BY rel`,
    )
    const unknown = rows.filter(row => !this.#known.has(row.version))
    if (unknown.length > 0) {
      const layouts = await session.rows<CapturedRow>(
        `SELECT rel, active, layout, CONCAT(rel, ':', active, ':', CRC32(layout)) AS version ${from}
         WHERE rel IN (${numbers(unknown.map(row => row.rel))})`,
      )
      for (const row of layouts)
        this.#known.set(row.version, {
          ...(JSON.parse(row.layout) as TableLayout),
          rel: Number(row.rel),
          active: row.active === '1',
        })
    }
    return rows.flatMap(row => this.#known.get(row.version) ?? [])
  }

  /** Those whose log holds something of these entries. */
  async touched(session: Session, entries: readonly string[]): Promise<readonly Captured[]> {
    const tables = await this.all(session)
    if (tables.length === 0 || entries.length === 0) return []
    const looks = tables.map(
      table =>
        `SELECT ${table.rel} AS rel FROM DUAL WHERE EXISTS (SELECT 1 FROM ${logAs(this.database, table.rel, 'n')} WHERE n.tx IN (${numbers(entries)}))`,
    )
    const found = await session.rows<{ rel: string }>(looks.join(' UNION ALL '))
    const rels = new Set(found.map(row => Number(row.rel)))
    return tables.filter(table => rels.has(table.rel))
  }
}
