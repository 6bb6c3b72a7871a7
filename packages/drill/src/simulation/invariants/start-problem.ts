import type { CompensationStarted, Plan } from '@unwind/contracts'
import type { Scenario } from '../scenario/scenario.js'
import { type NaiveRollback, namedIn } from './naive.js'

export interface Problem {
  readonly invariant: string
  readonly message: string
}

/**
 * Why a step may not start, as far as its process could know (I4, I5).
 * @param since first ledger offset that the process had handled, since it holds the partition: what lies before was told to it.
 * @param known ledger offset up to which it had.
 */
export function startProblem(
  rollback: NaiveRollback,
  { stepId, occurredAt: at, contractVersion, attempt, round }: CompensationStarted,
  { from: since, to: known }: { readonly from: number | null; readonly to: number },
  { scenario }: { readonly scenario: Scenario },
): Problem | null {
  const revision = rollback.revisions.filter(({ from }) => from < known).at(-1)
  if (!revision) return { invariant: 'I5', message: 'no plan was requested that it knows' }
  const { plan } = revision
  const step = plan.steps.find(s => s.stepId === stepId)
  if (!step) return { invariant: 'I5', message: `revision ${plan.revision} has no such step` }
  if (rollback.pauses.filter(([offset]) => offset < known).at(-1)?.[1])
    return { invariant: 'I5', message: 'the rollback is paused' }
  if (step.contractVersion !== contractVersion)
    return {
      invariant: 'I5',
      message: `planned with contract ${step.contractVersion}, not ${contractVersion}`,
    }
  const { attempts } = scenario.systems.find(s => s.name === step.system)!
  if (attempt > attempts) return { invariant: 'I7', message: `attempt ${attempt} of ${attempts}` }
  const mine = rollback.steps.get(stepId)!
  // What has begun is let finish; that it has finished or parked, another process may have said behind what this one knows.
  const isNews = (offset: number | null) => offset !== null && offset >= known
  const began =
    mine.status === 'started' || (mine.attempts > 0 && (isNews(mine.settledAt) || isNews(mine.parkedAt)))
  if (rollback.abortedAt !== null && rollback.abortedAt < known && !began)
    return { invariant: 'I5', message: 'the rollback was aborted' }
  const saw = (offset: number | null) => offset !== null && offset >= (since ?? known) && offset < known
  if (saw(mine.settledAt)) return { invariant: 'I5', message: `it is ${mine.status} already` }
  if (mine.rounds.slice(round).some(saw))
    return { invariant: 'I5', message: `round ${round} was ended by a person` }
  // A step that has begun goes on; what holds steps back holds back those that have not.
  if (mine.status !== 'waiting' || mine.round > 0 || mine.attempts > 0) return null
  const open = awaited(plan, rollback, stepId, known).filter(id => {
    const settledAt = rollback.steps.get(id)?.settledAt ?? null
    return settledAt === null || settledAt >= known
  })
  if (open.length > 0) return { invariant: 'I4', message: `${open.join(', ')} has not settled` }
  return heldBack(rollback, plan, step, known, at, scenario)
}

type Step = Plan['steps'][number]

function heldBack(
  rollback: NaiveRollback,
  plan: Plan,
  step: Step,
  known: number,
  at: number,
  scenario: Scenario,
): Problem | null {
  for (const other of rollback.steps.values())
    if (
      step.tandem !== null &&
      other.step.tandem === step.tandem &&
      (other.parkedAt ?? known) < known &&
      (other.settledAt ?? known) >= known
    )
      return { invariant: 'I4', message: `${other.step.stepId} of its tandem group is parked` }
  const named = namedIn(plan)
  for (const [actionId, { system, from }] of rollback.unplanned)
    if (system === step.system && from < known && !named.has(actionId))
      return { invariant: 'I4', message: `${actionId} of its system is in no plan yet` }
  if (plan.barrier)
    for (const { system } of plan.steps.filter(s => !settledByHand(rollback, s.stepId, known)))
      if (!((rollback.fenced.get(system) ?? Number.POSITIVE_INFINITY) < known))
        return { invariant: 'I4', message: `the barrier misses the fence of ${system}` }
  const gate = plan.gates.find(g => g.gateId === step.gate)
  if (!gate || (rollback.gates.get(gate.gateId) ?? Number.POSITIVE_INFINITY) < known) return null
  if (gate.kind === 'human') return { invariant: 'I4', message: `gate ${gate.gateId} is closed` }
  // A bake is measured between clocks that may differ: only histories with right clocks can be judged, by what they said.
  const skewed = scenario.acts.some(act => act.do === 'fault' && act.kind === 'clock-skew')
  const since = Math.max(
    rollback.revisions[0]!.at,
    ...step.waitsFor.map(id => rollback.steps.get(id)?.settledTime ?? 0),
  )
  if (!skewed && at < since + gate.bakeMs)
    return { invariant: 'I4', message: `gate ${gate.gateId} bakes for ${gate.bakeMs} ms` }
  return null
}

function settledByHand(rollback: NaiveRollback, stepId: string, known: number): boolean {
  const step = rollback.steps.get(stepId)
  if (step?.status !== 'skipped' && step?.status !== 'resolved') return false
  return (step.settledAt ?? known) < known
}

/** What a step waits for; through a step that a person settled, also what that one waited for. */
function awaited(plan: Plan, rollback: NaiveRollback, stepId: string, known: number): string[] {
  const found = new Set<string>()
  const open = [stepId]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    // What had begun when a revision came kept its old place.
    const step = at === stepId ? plan.steps.find(s => s.stepId === at) : rollback.steps.get(at)?.step
    for (const id of step?.waitsFor ?? []) {
      if (found.has(id)) continue
      found.add(id)
      if (settledByHand(rollback, id, known)) open.push(id)
    }
  }
  return [...found]
}
