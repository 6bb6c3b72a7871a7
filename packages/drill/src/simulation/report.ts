import type { History } from './history.js'
import type { Failure } from './pool/messages.js'
import type { PoolResult } from './pool/pool.js'
import { FAULT_KINDS } from './scenario/kinds.js'
import type { Scenario } from './scenario/scenario.js'

export function summaryText(result: PoolResult): string {
  const { histories, events, failures, seconds, injected, workers, cpuSeconds } = result
  const rows = FAULT_KINDS.map(kind => `  ${kind.padEnd(34)}${String(injected.get(kind) ?? 0).padStart(9)}`)
  return [
    'faults injected:',
    ...rows,
    `histories ${histories}`,
    `events ${events} (${(events / Math.max(1, histories)).toFixed(1)} a history)`,
    `violations ${failures.length}`,
    `workers ${workers}`,
    `seconds ${seconds.toFixed(1)}`,
    `histories_per_second ${rate(histories, seconds)}`,
    `histories_per_second_per_worker ${rate(histories, seconds * workers)}`,
    // On a machine that others use as well, this says what a core of its own would do.
    `histories_per_cpu_second ${rate(histories, cpuSeconds)}`,
    '',
  ].join('\n')
}

function rate(histories: number, seconds: number): number {
  return Math.round(histories / Math.max(0.001, seconds))
}

export function progressText(done: number, of: number, failures: number, seconds: number): string {
  return `${done} of ${of} histories, ${rate(done, seconds)} a second, ${failures} violations\n`
}

export function failureText({ seed, violation }: Failure, failed: History, shrunk: History): string {
  return [
    `seed ${seed} breaks ${violation.invariant}: ${violation.message} (after ${violation.at} ms)`,
    `replay it: unwind drill simulate --seed ${seed}`,
    `shrunk to ${shrunk.scenario.acts.length} of ${failed.scenario.acts.length} acts: ${shrunk.violation?.invariant} ${shrunk.violation?.message}`,
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
