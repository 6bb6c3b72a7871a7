import type { EventOf } from '@unwind/contracts'
import type { Description } from '../timeline/describe.js'

type AftermathEvent = EventOf<'ReconciliationRequested' | 'ReconciliationReported' | 'AnomalyDetected'>

/** What came after the end, for people. */
export function describeAftermath(event: AftermathEvent): Description {
  switch (event.type) {
    case 'ReconciliationRequested': {
      const { requestedBy, reason, revision } = event.data
      return say('info', `probes of r${revision} asked for by ${requestedBy}`, [reason])
    }
    case 'ReconciliationReported': {
      const { requestedBy, results, findings } = event.data
      const read = results.filter(result => result.problem === null)
      const unread = results.filter(result => result.problem !== null)
      const sum = (figure: 'restored' | 'expected' | 'kept') => read.reduce((n, r) => n + r[figure], 0)
      const who = event.data.system === null ? '' : `${event.data.system} `
      const kept = sum('kept') === 0 ? '' : `, ${sum('kept')} kept`
      const figures = `${sum('restored')} of ${sum('expected')} items restored${kept}`
      const well = unread.length === 0 && findings.length === 0 && read.every(isAsLeft)
      return say(
        well ? 'good' : 'warning',
        `${who}probed again for ${requestedBy}: ${read.length === 0 && unread.length > 0 ? 'nothing could be read' : figures}`,
        [
          ...unread.map(result => `${result.stepId} could not be read: ${result.problem}`),
          ...results.flatMap(result => result.drift.map(line => `${result.stepId}: ${line}`)),
          ...findings.map(finding => `${finding.kind}: ${finding.message}`),
        ],
      )
    }
    case 'AnomalyDetected': {
      const { kind, system, endState, message, details, proposal } = event.data
      const step = proposal === null ? [] : [`proposed: ${proposal.description}`, proposal.command]
      return say('critical', `anomaly after ${endState}: ${kind} in ${system}`, [
        message,
        ...details,
        ...step,
      ])
    }
    default:
      return event satisfies never
  }
}

function isAsLeft(result: {
  restored: number
  kept: number
  expected: number
  drift: readonly string[]
}): boolean {
  return result.drift.length === 0 && result.restored + result.kept >= result.expected
}

function say(severity: Description['severity'], title: string, detail: readonly string[]): Description {
  return { severity, title, detail: detail.filter(part => part !== '').join('; ') }
}
