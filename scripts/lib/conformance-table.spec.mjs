import { describe, expect, it } from 'vitest'
import { conformanceTable, tableMarkdown, tableText } from './conformance-table.mjs'

const at = (kind, row, title, lacks) => ({ conformance: { kind, row, title, ...(lacks ? { lacks } : {}) } })
const report = {
  testResults: [
    {
      name: '/x/test/conformance/processes.spec.ts',
      status: 'passed',
      assertionResults: [{ status: 'passed', fullName: 'p', meta: at('http', 0, 'killed') }],
    },
    {
      name: '/x/test/conformance/adapters.spec.ts',
      status: 'failed',
      assertionResults: [
        { status: 'failed', fullName: 'b', meta: at('redis', 1, 'second') },
        { status: 'passed', fullName: 'a', meta: at('http', 0, 'first') },
        { status: 'skipped', fullName: 'c', meta: at('http', 1, 'second', 'it has no fence') },
        // Skipped, and not because a feature is missing.
        { status: 'skipped', fullName: 'd', meta: at('redis', 0, 'first') },
        { status: 'failed', fullName: 'flags has a fixture', meta: {}, failureMessages: ['no file'] },
      ],
    },
    { name: '/x/test/conformance/broken.spec.ts', status: 'failed', message: 'syntax', assertionResults: [] },
  ],
}

describe('the table of a conformance run', () => {
  it('has a row a case in the order of the suite, and counts what did not run as failed', () => {
    const table = conformanceTable(report)
    expect(table.kinds).toEqual(['http', 'redis'])
    expect(
      table.rows.map(({ title, cells }) => [title, cells.get('http')?.verdict, cells.get('redis')?.verdict]),
    ).toEqual([
      ['first', 'passed', 'NOT RUN'],
      ['second', 'n/a', 'FAILED'],
      ['killed', 'passed', undefined],
    ])
    expect([table.passed, table.failed]).toEqual([2, 4])
    expect(table.strays).toEqual(['flags has a fixture: no file', 'broken: syntax'])
  })

  it('is shown to people', () => {
    expect(tableText(conformanceTable(report)).split('\n')).toEqual([
      '        http     redis',
      '',
      'One adapter on its real target',
      'first   passed   NOT RUN',
      'second  n/a      FAILED',
      '',
      'Sidecar processes, Kafka, a coordinator, and the real target',
      'killed  passed   NOT RUN',
    ])
  })

  it('is written with the reason of every n/a', () => {
    const text = tableMarkdown(conformanceTable(report))
    expect(text).toContain('\n2 passed, 4 failed.\n')
    expect(text).toContain('\n| second | n/a | FAILED |\n')
    expect(text).toContain('\n| http: it has no fence | second |\n')
  })
})
