import type { Mutant } from '../mutant.js'

const CLOSING = 'core/dist/closing/closing.js'
const FOLLOWER = 'runtime/dist/follower/follower.js'

/** What a coordinator, or what both follow, could get wrong. */
export const COORDINATOR: readonly Mutant[] = [
  {
    name: 'let the offset go past an open rollback',
    file: FOLLOWER,
    search: 'needed !== null && needed < next ? needed : next',
    replacement: 'next',
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
    search: 'return entry === null || (orphan !== null && orphan < entry) ? orphan : entry;',
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
    file: 'core/dist/planning/selection.js',
    search: 'if (systems.length > 0 && !systems.includes(of.system))',
    replacement: 'if (false)',
  },
  {
    name: 'ask nobody for approval',
    file: 'core/dist/policy/decide.js',
    search: 'if (demands.length === 0)',
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
    name: 'begin an ended rollback again for a copy of its proposal',
    file: 'coordinator/dist/ledger/loop.js',
    search: "event.type === 'RollbackProposed' && this.#ended.has(event.data.rollbackId)",
    replacement: 'false',
  },
  {
    name: 'say an alarm once, written or not',
    file: 'core/dist/coordination/coordinate.js',
    search: '{ ...without(before, input.eventId), lookedUpTo: 0, held: false }',
    replacement: '{ ...without(before, input.eventId), held: false }',
  },
  {
    name: 'use the number of a revision that was refused again',
    file: 'core/dist/planning/supplement.js',
    search: 'Math.max(previous.revision, input.refusedRevision ?? 0) + 1',
    replacement: 'previous.revision + 1',
  },
  {
    name: 'add late actions to a step that has begun',
    file: 'core/dist/planning/supplement.js',
    search: '!hasBegun(steps.get(step.stepId)));',
    replacement: 'true);',
  },
  {
    name: 'plan nothing for what was found late',
    file: 'core/dist/coordination/plan-supplement.js',
    search: 'if (rollback.unplanned.size === 0)',
    replacement: 'if (true)',
  },
  {
    name: 'begin from a copy of a request without its history',
    file: 'coordinator/dist/ledger/loop.js',
    search: 'goesOn(event) || this.#ended.mayBeOver(followed)',
    replacement: "event.type === 'LateActionDetected' || this.#ended.mayBeOver(followed)",
  },
  {
    name: 'believe that every proposal is new',
    file: 'coordinator/dist/ledger/loop.js',
    search: 'goesOn(event) || this.#ended.mayBeOver(followed)',
    replacement: 'goesOn(event)',
  },
  {
    name: 'forget a forgery that comes while history is read',
    file: 'coordinator/dist/ledger/loop.js',
    search: 'this.#orphans.refuse(partition, rollbackId, claimed, message);',
    replacement: ';',
  },
  {
    name: 'take the view while the log cannot be asked',
    file: 'coordinator/dist/catalogue/record-source.js',
    search: 'const needed = bounds.end > bounds.start ? bounds.end : 0n;',
    replacement: 'const needed = 0n;',
  },
  {
    name: 'tell nobody of a parked step',
    file: 'core/dist/stall/watch.js',
    search: "return { on: 'parked', step, dueAt: step.changedAt };",
    replacement: 'return null;',
  },
  {
    name: 'tell nobody of forged records',
    file: 'coordinator/dist/ledger/follow.js',
    search: 'if (rollbackId !== null)',
    replacement: 'if (false)',
  },
  {
    name: 'abandon what has begun',
    file: CLOSING,
    search: "if (unsettled.some(s => s.progress.status === 'started'))",
    replacement: 'if (false)',
  },
  {
    name: 'let go of an ended rollback before its forgery is told',
    rare: 1_592_189,
    file: 'core/dist/coordination/coordinate.js',
    search: '&& !owesAlarm(state)',
    replacement: '',
  },
  {
    name: 'claim again for the copy of a request whose rollback has ended',
    file: 'coordinator/dist/claims/ended-elsewhere.js',
    search: 'revision <= (this.#ends.get(rollbackId)?.revision ?? 0)',
    replacement: 'false',
  },
  {
    name: 'claim for a copy of a request whose end lies before what is read',
    rare: 1_252_506,
    file: 'coordinator/dist/claims/ended-elsewhere.js',
    search: 'data.occurredAt <= until + CLOCK_MARGIN_MS',
    replacement: 'false',
  },
  {
    name: 'say of a gate that is opened again what was said before the end',
    rare: 1_930_200,
    file: 'coordinator/dist/operations/commands.js',
    search: 'eventIds.gateOpened(rollbackId, gateId, rollback.plan.revision)',
    replacement: 'eventIds.gateOpened(rollbackId, gateId)',
  },
  {
    name: 'leave a revision that was refused out of the end',
    rare: 1_017_052,
    file: 'core/dist/closing/closing.js',
    search: 'eventIds.closed(state.rollbackId, latestRevision(state))',
    replacement: 'eventIds.closed(state.rollbackId, state.plan.revision)',
    also: {
      file: 'core/dist/unwind/evolve.js',
      search: 'if (closedRevision(closing.eventId) < latestRevision(state))',
      replacement: 'if (false)',
    },
  },
]
