import type { Mutant } from '../mutant.js'

const DUE = 'core/dist/participant/due.js'
const PARTICIPANT = 'core/dist/participant/participant.js'
const ATTEMPT = 'sidecar/dist/loop/attempt.js'
const LOOP = 'sidecar/dist/loop/loop.js'
const ATTEMPTS = 'sidecar/dist/loop/attempts.js'
const ENTRIES = 'sidecar/dist/loop/entries.js'
const OFFSET = 'core/dist/participant/offset.js'

/** What a sidecar could get wrong. */
export const SIDECAR: readonly Mutant[] = [
  {
    name: 'forget the fence',
    file: DUE,
    search: "if (before.fence === 'needed') {",
    replacement: 'if (false) {',
  },
  {
    name: 'start before the fence has looked into the target',
    file: DUE,
    search: "if (before.fence === 'running')",
    replacement: 'if (false)',
  },
  {
    name: 'act by another contract than the planned one',
    file: DUE,
    search: 'if (step.step.contractHash !== me.contractHash) {',
    replacement: 'if (false) {',
  },
  {
    name: 'try for ever after interruptions',
    file: DUE,
    search: 'if (next > policy.attempts) {',
    replacement: 'if (false) {',
  },
  {
    name: 'never finish what an abort met half-way',
    file: DUE,
    search: "if (rollback.aborted && step.progress.status !== 'started')",
    replacement: 'if (rollback.aborted)',
  },
  {
    name: 'keep work that a person has ended',
    file: PARTICIPANT,
    search: 'work: stillOpen(before.work, rollback)',
    replacement: 'work: before.work',
  },
  {
    name: 'forget what the target holds and the plan does not name',
    file: PARTICIPANT,
    search: 'if (late.length > 0) {',
    replacement: 'if (false) {',
  },
  {
    name: 'begin what was paused while it waited for its turn',
    file: PARTICIPANT,
    search: "rollback.phase !== 'running' || rollback.paused || work.get(stepId) !== decided",
    replacement: "rollback.phase !== 'running'",
  },
  {
    name: 'do not say that there is nothing to fence with',
    file: PARTICIPANT,
    search: "me.fences || (rollback.phase === 'running' && rollback.plan.barrier) ?",
    replacement: 'me.fences ?',
  },
  {
    name: 'skip the probe',
    file: ATTEMPT,
    search: 'const seen = await adapter.probe(work, signal);',
    replacement:
      "const all = work.actions.length; const seen = { kind: 'seen', restored: all, kept: 0, expected: all, digest: null, differences: [], how: 'trust' };",
  },
  {
    name: 'complete with less than all',
    file: ATTEMPT,
    search: 'if (seen.restored + seen.kept < seen.expected) {',
    replacement: 'if (false) {',
  },
  {
    name: 'take half restored for restored',
    file: ATTEMPT,
    search: 'if (found.restored === found.expected)',
    replacement: 'if (found.restored <= found.expected)',
  },
  {
    name: 'act before the intent is written',
    file: ATTEMPTS,
    search: 'if (!(await announcement.made))',
    replacement: 'if (false)',
  },
  {
    name: 'let the offset go past a gate that no command tells of',
    file: OFFSET,
    search: 'if (mine.some(s => needsHistory(rollback, s)))',
    replacement: 'if (false)',
  },
  {
    name: 'move the cursor of the undo log before its actions are published',
    file: 'sidecar/dist/loop/relay.js',
    search: 'await Promise.all(actions.map(action => send(this.#event(action))));',
    replacement: 'void Promise.all(actions.map(action => send(this.#event(action)))).catch(() => {});',
  },
  {
    name: 'end what a revision has opened again',
    file: ENTRIES,
    search: `this.#closedEarly.delete(entry);
        }
        entry.state = state;`,
    replacement: `}
        entry.state = state;`,
  },
  {
    name: 'begin a stopped rollback on a command that does not tell of the stop',
    file: OFFSET,
    search: 'if (rollback.aborted || rollback.paused)',
    replacement: 'if (false)',
  },
  {
    name: 'begin a paused rollback on a retry that overtakes the resume',
    file: OFFSET,
    search: 'if (rollback.aborted || rollback.paused)',
    replacement: 'if (rollback.aborted)',
  },
  {
    name: 'let the offset go past what was found and is in no plan yet',
    file: OFFSET,
    search: 'if (unplannedOf(rollback, me.system).length > 0)',
    replacement: 'if (false)',
  },
  {
    name: 'begin though the tandem sibling parked while it waited for its turn',
    file: PARTICIPANT,
    search: "return readiness(rollback, step, now).kind === 'ready';",
    replacement: 'return true;',
  },
  {
    name: 'answer the barrier of the first revision only',
    file: PARTICIPANT,
    search: 'return after.plan.barrier && after.plan.revision > before.plan.revision;',
    replacement: 'return false;',
  },
  {
    name: 'do not park after the last failure',
    file: DUE,
    search:
      "return park(me, rollback, step, now, work, progress.code, progress.message, 'see the failure before it');",
    replacement: 'return [];',
  },
  {
    name: 'keep a pause that the end has lifted',
    file: ENTRIES,
    search:
      "return rollback.phase === 'running' ? { ...state, rollback: { ...rollback, ...unheld(rollback) } } : state;",
    replacement: 'return state;',
  },
  {
    name: 'begin an ended rollback for a late copy of a command',
    file: LOOP,
    search: "return type === 'OperatorCommandIssued' && !this.#entries.ended(rollbackId);",
    replacement: "return type === 'OperatorCommandIssued';",
  },
  {
    name: 'trust a late command without its history',
    file: LOOP,
    search: 'this.#recall?.before(event, followed.position, known);',
    replacement: 'null;',
  },
  {
    name: 'open an ended rollback again as its maker saw it',
    rare: 72_099,
    file: 'sidecar/dist/loop/recall.js',
    search: 'if (known)',
    replacement: 'if (false)',
  },
  {
    name: 'send a key of which nobody knows how old it is',
    rare: 1_789_052,
    file: LOOP,
    search: 'entry !== undefined || wasTriedHere(event, this.options.me.system)',
    replacement: 'entry !== undefined',
    also: {
      file: 'core/dist/unwind/steps.js',
      search: 'wasTried(item) ? LONG_AGO : null',
      replacement: 'null',
    },
  },
  {
    name: 'end a later revision for the late end of an earlier one',
    rare: 1_674_284,
    file: 'sidecar/dist/loop/entries.js',
    search: 'if (!entry || closedRevision(eventId) < latestRevision(entry.state.rollback))',
    replacement: 'if (!entry)',
  },
]
