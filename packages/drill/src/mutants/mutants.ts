/** A small, plausible bug: what somebody could get wrong in one line. */
export interface Mutant {
  readonly name: string
  /** Compiled file, from packages/. */
  readonly file: string
  /** Occurs exactly once in it. */
  readonly search: string
  readonly replacement: string
}

const DUE = 'core/dist/participant/due.js'
const PARTICIPANT = 'core/dist/participant/participant.js'
const READINESS = 'core/dist/unwind/readiness.js'
const EVOLVE = 'core/dist/unwind/evolve.js'
const CLOSING = 'core/dist/closing/closing.js'
const ATTEMPT = 'sidecar/dist/loop/attempt.js'
const LOOP = 'sidecar/dist/loop/loop.js'
const FOLLOWER = 'runtime/dist/follower/follower.js'
const OFFSET = 'core/dist/participant/offset.js'
const COMMANDS = 'core/dist/unwind/commands.js'

/** Planted one at a time. The simulator must find every one of them. */
export const MUTANTS: readonly Mutant[] = [
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
  { name: 'start a tier early', file: READINESS, search: 'if (open.length > 0)', replacement: 'if (false)' },
  {
    name: 'overtake what a skipped step was waiting for',
    file: READINESS,
    search: 'awaited(state, other, found);',
    replacement: ';',
  },
  {
    name: 'ignore a gate that a person has to open',
    file: READINESS,
    search: "return { kind: 'waits-for-gate', gateId: gate.gateId, gate: 'human' };",
    replacement: "return { kind: 'ready' };",
  },
  {
    name: 'end a bake at once',
    file: READINESS,
    search: 'return now >= until ?',
    replacement: 'return true ?',
  },
  {
    name: 'do not wait for the barrier',
    file: READINESS,
    search: 'if (fences.length > 0)',
    replacement: 'if (false)',
  },
  {
    name: 'go on though the tandem sibling is parked',
    file: READINESS,
    search: 'if (parked.length > 0)',
    replacement: 'if (false)',
  },
  {
    name: 'start though actions are in no plan yet',
    file: READINESS,
    search: 'if (late.length > 0)',
    replacement: 'if (false)',
  },
  {
    name: 'drop the dedupe of events',
    file: EVOLVE,
    search: 'if (state?.seen.has(event.data.eventId))',
    replacement: 'if (false)',
  },
  {
    name: 'take an older revision of the plan',
    file: EVOLVE,
    search: 'if (plan.revision <= state.plan.revision)',
    replacement: 'if (false)',
  },
  {
    name: 'refuse a revision that meets a begun step',
    file: EVOLVE,
    search: 'else if (step && sameShare(step, before.step))',
    replacement: 'else if (false)',
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
    file: LOOP,
    search: 'if (!(await announcement.made)) return',
    replacement: 'void announcement.made',
  },
  {
    name: 'let the offset go past an open rollback',
    file: FOLLOWER,
    search: 'needed !== null && needed < next ? needed : next',
    replacement: 'next',
  },
  {
    name: 'let the offset go past a gate that no command tells of',
    file: OFFSET,
    search: 'if (mine.some(s => needsHistory(rollback, s)))',
    replacement: 'if (false)',
  },
  {
    name: 'believe a command that all gates are open',
    file: COMMANDS,
    search: 'openGates: passedGates(steps),',
    replacement: 'openGates: new Set(plan.gates.map(gate => gate.gateId)),',
  },
  {
    name: 'overwrite newer data on a mere retry',
    file: COMMANDS,
    search: 'return nextRound(null);',
    replacement: "return nextRound('force');",
  },
  {
    name: 'trust a stale view',
    file: 'coordinator/dist/catalogue/record-source.js',
    search: 'if (reached >= needed)',
    replacement: 'if (true)',
  },
  {
    name: 'let the coordinator forget open rollbacks at a restart',
    file: 'coordinator/dist/ledger/loop.js',
    search: 'return orphan !== null && orphan < first.readFrom ? orphan : first.readFrom;',
    replacement: 'return null;',
  },
  {
    name: 'close while steps are open',
    file: CLOSING,
    search: 'if (unsettled.length > 0 || state.unplanned.size > 0)',
    replacement: 'if (state.unplanned.size > 0)',
  },
  {
    name: 'end green though something cannot be undone',
    file: CLOSING,
    search: 'if (state.plan.surfaced.length > 0)',
    replacement: 'if (false)',
  },
  {
    name: 'end green though a step was skipped',
    file: CLOSING,
    search: "s.progress.status === 'skipped' || isShort(s)",
    replacement: 'isShort(s)',
  },
  {
    name: 'wrong undo order between systems',
    file: 'core/dist/planning/precedence.js',
    search: 'waits.get(system).add(later);',
    replacement: 'waits.get(later).add(system);',
  },
  {
    name: 'wrong undo order within a step',
    file: 'core/dist/planning/actions.js',
    search: '\n        .reverse();',
    replacement: ';',
  },
  {
    name: 'undo systems outside the scope',
    file: 'core/dist/planning/actions.js',
    search: 'if (inScope && !inScope.has(action.system))',
    replacement: 'if (false)',
  },
  {
    name: 'ask nobody for approval',
    file: 'core/dist/policy/decide.js',
    search: 'if (asks.length === 0)',
    replacement: 'if (true)',
  },
  {
    name: 'accept a request that nobody approved',
    file: 'core/dist/policy/approvals-cover.js',
    search: 'if (covering.size >= required)',
    replacement: 'if (true)',
  },
  {
    name: 'take events from whoever signed them',
    file: FOLLOWER,
    search: 'if (refused)',
    replacement: 'if (false)',
  },
  {
    name: 'move the cursor of the undo log before its actions are published',
    file: 'sidecar/dist/loop/relay.js',
    search: 'await Promise.all(actions.map(action => send(this.#event(action))));',
    replacement: 'void Promise.all(actions.map(action => send(this.#event(action)))).catch(() => {});',
  },
  {
    name: 'begin an ended rollback again for a copy of its proposal',
    file: 'coordinator/dist/ledger/loop.js',
    search: "return event.type === 'RollbackProposed';",
    replacement: 'return false;',
  },
  {
    name: 'end what a revision has opened again',
    file: LOOP,
    search: `if (this.#hasOpenStep(rollback))
            return;
        this.#end(entry);`,
    replacement: 'this.#end(entry);',
  },
  {
    name: 'say an alarm once, written or not',
    file: 'core/dist/coordination/coordinate.js',
    search: '{ ...without(before, input.eventId), lookedUpTo: 0 }',
    replacement: 'without(before, input.eventId)',
  },
]
