import { describeColumns } from '../capture/columns.js'
import type { Session } from '../database.js'
import { StepFailed } from '../errors.js'
import type { Captured } from './captured.js'

/**
 * Does the table still have the columns that the action was logged with?
 * @throws StepFailed naming what came, went or changed its type.
 */
export async function checkFits(session: Session, table: Captured): Promise<void> {
  const live = (await describeColumns(session, table.database, table.name)).filter(
    column => !column.generated,
  )
  const now = new Map(live.map(column => [column.name, column.type]))
  const gone = table.columns
    .filter(column => now.get(column.name) !== column.type)
    .map(column => {
      const type = now.get(column.name)
      return `column ${column.name} of type ${column.type} ${type === undefined ? 'is gone' : `is now of type ${type}`}`
    })
  if (gone.length > 0)
    throw new StepFailed(
      'contract',
      `${table.label}: since the action, ${gone.join('; ')}`,
      'The images of the action do not fit any more: undo it by hand and resolve the step.',
    )
  if (!table.active) return
  const added = live.filter(column => !table.columns.some(known => known.name === column.name))
  if (added.length > 0)
    throw new StepFailed(
      'contract',
      `${table.label}: capture does not know column ${added.map(column => column.name).join(', ')}, so changes of it were not logged`,
      'Run "unwind capture install", then retry: the column itself is left as it is.',
    )
}
