import type { History } from './history.js'
import type { RunResult } from './run.js'
import { FAULT_KINDS } from './scenario/kinds.js'
import type { Scenario } from './scenario/scenario.js'

export function summaryText(result: RunResult): string {
  const { histories, events, failures, seconds, injected } = result
  const rows = FAULT_KINDS.map(kind => `  ${kind.padEnd(34)}${String(injected.get(kind) ?? 0).padStart(9)}`)
  return [
    'faults injected:',
    ...rows,
    `histories ${histories}`,
    `events ${events} (${(events / Math.max(1, histories)).toFixed(1)} a history)`,
    `violations ${failures.length}`,
    `seconds ${seconds.toFixed(1)}`,
    `histories_per_second ${Math.round(histories / Math.max(0.001, seconds))}`,
    '',
  ].join('\n')
}

export function failureText(failure: History, shrunk: History): string {
  const { violation, scenario } = failure
  return [
    `seed ${scenario.seed} breaks ${violation?.invariant}: ${violation?.message} (after ${violation?.at} ms)`,
    `replay it: unwind drill simulate --seed ${scenario.seed}`,
    `shrunk to ${shrunk.scenario.acts.length} of ${scenario.acts.length} acts: ${shrunk.violation?.invariant} ${shrunk.violation?.message}`,
    ...scenarioLines(shrunk.scenario),
    ...shrunk.lines.map(line => `  ${line}`),
    '',
    '',
  ].join('\n')
}

export function replayText(history: History): string {
  const { violation } = history
  return [
    ...scenarioLines(history.scenario),
    ...history.lines,
    violation
      ? `breaks ${violation.invariant}: ${violation.message} (after ${violation.at} ms)`
      : 'no violation',
    `events ${history.events}`,
    `digest ${history.digest}`,
    '',
  ].join('\n')
}

function scenarioLines(scenario: Scenario): string[] {
  const { systems, acts, ...rest } = scenario
  return [
    `  ${JSON.stringify(rest)}`,
    ...systems.map(system => `  system ${JSON.stringify(system)}`),
    ...acts.map(act => `  act ${JSON.stringify(act)}`),
  ]
}
