import type { Mutant } from '../mutant.js'

const READINESS = 'core/dist/unwind/readiness.js'
const EVOLVE = 'core/dist/unwind/evolve.js'
const OFFSET = 'core/dist/participant/offset.js'
const COMMANDS = 'core/dist/unwind/commands.js'

/** What every fold of the ledger could get wrong. */
export const FOLD: readonly Mutant[] = [
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
    name: 'refuse a revision that meets a begun step',
    file: EVOLVE,
    search: 'else if (step && sameShare(step, before.step))',
    replacement: 'else if (false)',
  },
  {
    name: 'believe a command that all gates are open',
    file: COMMANDS,
    search: 'openGates: passedGates(steps),',
    replacement: 'openGates: new Set(plan.gates.map(gate => gate.gateId)),',
    // Whoever waits behind a gate keeps its offset, and so never begins at a command.
    also: {
      file: OFFSET,
      search: 'if (mine.some(s => needsHistory(rollback, s)))',
      replacement: 'if (false)',
    },
  },
  {
    name: 'take for begun what a person has settled unbegun',
    file: 'core/dist/unwind/steps.js',
    search: "(status !== 'waiting' && status !== 'skipped' && status !== 'resolved')",
    replacement: "status !== 'waiting'",
  },
  {
    name: 'let a person resolve a conflict of a step that has not begun',
    file: COMMANDS,
    search: "if (step.progress.status === 'waiting' && step.round === 0)",
    replacement: 'if (false)',
  },
  {
    name: 'overwrite newer data on a mere retry',
    file: COMMANDS,
    search: 'return nextRound(null);',
    replacement: "return nextRound('force');",
  },
  {
    name: 'let a later revision forget what waits in no plan',
    file: EVOLVE,
    search: 'const unplanned = new Map([...state.unplanned].filter(([actionId]) => !named.has(actionId)));',
    replacement: 'const unplanned = new Map();',
  },
  {
    name: 'take the end of an earlier revision for the end',
    file: EVOLVE,
    search:
      "if ([...state.steps.values()].some(s => !isSettled(s.progress)) && closing.endState !== 'ABANDONED')",
    replacement: 'if (false)',
    also: {
      file: EVOLVE,
      search: 'if (closedRevision(closing.eventId) < latestRevision(state))',
      replacement: 'if (false)',
    },
  },
  {
    name: 'let a command settle a step a second time',
    file: COMMANDS,
    search: 'if (isSettled(step.progress))',
    replacement: 'if (false)',
  },
  {
    name: 'resume nothing',
    file: COMMANDS,
    search: 'paused: false,\n                steps: openAnew',
    replacement: 'paused: state.paused,\n                steps: openAnew',
  },
  {
    name: 'take for said again what was said behind the end',
    rare: 1_274_534,
    file: EVOLVE,
    search: 'if (comesTooLate(state, event))',
    replacement: 'if (false)',
  },
]
