import type { Session } from '../database.js'
import type { Family } from '../layout.js'

/** One column as the catalog has it. */
export interface CatalogColumn {
  readonly name: string
  /** Type without lengths that may be widened at no risk; null: capture cannot hold values of this type. */
  readonly type: string
  readonly family: Family | null
  readonly logType: string
  readonly nullable: boolean
  /** Computed by the server from others. */
  readonly generated: boolean
}

interface ColumnRow {
  name: string
  data_type: string
  column_type: string
  charset: string | null
  collation: string | null
  scale: string | null
  fraction: string | null
  nullable: string
  generated: string
  extra: string
}

/** The columns of a table in their order; empty: there is no such table. */
export async function describeColumns(
  session: Session,
  database: string,
  table: string,
): Promise<readonly CatalogColumn[]> {
  const rows = await session.rows<ColumnRow>(
    `SELECT COLUMN_NAME AS name, LOWER(DATA_TYPE) AS data_type, LOWER(COLUMN_TYPE) AS column_type, CHARACTER_SET_NAME AS charset,
       COLLATION_NAME AS collation, NUMERIC_SCALE AS scale, DATETIME_PRECISION AS fraction, IS_NULLABLE AS nullable,
       IS_GENERATED AS \`generated\`, EXTRA AS extra
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [database, table],
  )
  return rows.map(row => ({
    name: row.name,
    nullable: row.nullable === 'YES',
    generated: row.generated === 'ALWAYS' || /GENERATED/i.test(row.extra),
    ...typeOf(row),
  }))
}

function typeOf(row: ColumnRow): Pick<CatalogColumn, 'type' | 'family' | 'logType'> {
  const { data_type: name } = row
  const unsigned = / unsigned/.test(row.column_type) ? ' unsigned' : ''
  // The charset is the server's own word, so it may stand in a statement as it is.
  const text = `CHARACTER SET ${row.charset} COLLATE ${row.collation}`
  switch (name) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
      return { type: `${name}${unsigned}`, family: 'integer', logType: `BIGINT${unsigned.toUpperCase()}` }
    case 'decimal':
      return {
        type: `decimal scale ${row.scale}${unsigned}`,
        family: 'decimal',
        logType: `DECIMAL(65, ${row.scale})`,
      }
    case 'float':
    case 'double':
      return { type: name, family: 'float', logType: 'DOUBLE' }
    case 'bit':
      return { type: name, family: 'bit', logType: 'BIT(64)' }
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'enum':
    case 'set':
      return { type: `${name} ${row.collation}`, family: 'text', logType: `LONGTEXT ${text}` }
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return { type: name, family: 'binary', logType: 'LONGBLOB' }
    case 'date':
    case 'year':
      return { type: name, family: 'date', logType: name === 'year' ? 'YEAR' : 'DATE' }
    case 'datetime':
    case 'timestamp':
      return { type: `${name}(${row.fraction})`, family: 'moment', logType: `${name.toUpperCase()}(6)` }
    case 'time':
      return { type: `time(${row.fraction})`, family: 'time', logType: 'TIME(6)' }
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return { type: name, family: 'uuid', logType: name.toUpperCase() }
    default:
      return { type: row.column_type, family: null, logType: '' }
  }
}
