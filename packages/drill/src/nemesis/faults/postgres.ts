import { Random } from '../../simulation/engine/random.js'
import { check } from '../report.js'
import type { Section } from '../section.js'
import type { Site } from '../site/site.js'
import { sleep, waitFor } from '../site/wait.js'
import { onStage } from '../stage.js'
import { underTraffic } from './under-traffic.js'

const KILLS = 8
const COMMIT_TAKES_MS = 60

/** A check at commit that takes its time, as deferred constraints do: so that the server dies there and not only between calls. */
const SLOW_COMMIT = `
CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${COMMIT_TAKES_MS / 1_000}); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON balances DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION slow_commit()`

/** The database dies by SIGKILL while undos commit, and recovers: each of them happened or did not, once. */
export const postgres: Section = {
  name: 'postgres',
  about: 'the database killed in the middle of commits, and its backends one by one',
  run: context =>
    onStage('postgres', context, { site: { branches: 2 } }, async ({ stack, site }) => {
      for (const { book } of site.branches) await book.sql(SLOW_COMMIT)
      return underTraffic('postgres', site, context, {}, async ({ progress }) => {
        const random = new Random(context.seed, 13)
        let inCommit = 0
        for (let n = 0; n < KILLS; n++) {
          await progress(3)
          await waitFor('an undo to commit', () => committing(site), 30_000)
          inCommit++
          await sleep(random.between(0, COMMIT_TAKES_MS * 2))
          await stack.server('postgres').kill()
          await sleep(random.between(0, 1_500))
          await stack.server('postgres').start()
        }
        await progress(10)
        return [check('postgres: killed while undos committed', inCommit === KILLS, `${inCommit} times`)]
      })
    }),
}

/** Whether an undo is inside the check at its commit. */
async function committing(site: Site): Promise<boolean> {
  const { book } = site.branches[0]!
  const { rowCount } = await book
    .sql(
      `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep' AND query LIKE '%undo(%'`,
    )
    .catch(() => ({ rowCount: 0 }))
  return (rowCount ?? 0) > 0
}
