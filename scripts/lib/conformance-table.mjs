// What a run of the conformance suite showed, as a table: a case a row, an adapter a column.

/**
 * @param report of Vitest's reporter "json".
 * @returns {{kinds: string[], rows: {group: string, title: string, cells: Map<string, {verdict: string, lacks: string | null}>}[],
 *   passed: number, failed: number, strays: string[]}} strays: failures that belong to no cell
 */
export function conformanceTable(report) {
  const kinds = new Set()
  const rows = new Map()
  const strays = []
  const count = { passed: 0, failed: 0 }
  for (const file of report.testResults) {
    const group = /([a-z-]+)\.spec\.ts$/.exec(file.name)?.[1] ?? file.name
    if (file.status === 'failed' && !file.assertionResults.some(one => one.status === 'failed')) {
      strays.push(`${group}: ${file.message ?? 'could not be run'}`)
      count.failed++
    }
    for (const one of file.assertionResults) {
      const place = one.meta?.conformance
      const verdict = verdictOf(one)
      if (verdict !== 'n/a') count[verdict === 'passed' ? 'passed' : 'failed']++
      if (!place) {
        if (verdict !== 'passed') strays.push(`${one.fullName}: ${one.failureMessages?.[0] ?? verdict}`)
        continue
      }
      kinds.add(place.kind)
      const key = `${group} ${String(place.row).padStart(4, '0')}`
      const row = rows.get(key) ?? { group, title: place.title, cells: new Map() }
      rows.set(key, row)
      row.cells.set(place.kind, { verdict, lacks: place.lacks ?? null })
    }
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  return { kinds: [...kinds].sort(), rows: sorted, strays, ...count }
}

/** Skipped is "n/a" only where the fixture does not declare what the case needs; everything else that did not run has failed. */
function verdictOf({ status, meta }) {
  if (status === 'passed') return 'passed'
  if (status !== 'failed' && meta?.conformance?.lacks) return 'n/a'
  return status === 'failed' ? 'FAILED' : 'NOT RUN'
}

const GROUPS = {
  adapters: 'One adapter on its real target',
  processes: 'Sidecar processes, Kafka, a coordinator, and the real target',
}

/** For a terminal. */
export function tableText({ kinds, rows }) {
  const words = row => kinds.map(kind => row.cells.get(kind)?.verdict ?? 'NOT RUN')
  const titles = rows.map(row => row.title)
  const width = Math.max(...titles.map(title => title.length), 4)
  const columns = kinds.map(kind => Math.max(kind.length, 7))
  const line = (title, cells) =>
    [title.padEnd(width), ...cells.map((cell, i) => cell.padEnd(columns[i]))].join('  ').trimEnd()
  const text = [line('', kinds)]
  let group = null
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group
      text.push('', GROUPS[group] ?? group)
    }
    text.push(line(row.title, words(row)))
  }
  return text.join('\n')
}

/** For docs/reference/conformance.md. */
export function tableMarkdown({ kinds, rows, passed, failed }) {
  const lines = [
    '# Conformance of the adapters',
    '',
    'Written by `npm run conformance`: each case of the suite on each adapter, on real servers. A case that needs a feature which',
    'the adapter does not have is n/a, with the reason below; it is never counted as passed.',
    '',
    'Another adapter takes part by one file, `test/conformance/<kind>.ts`: it starts the real target, acts on it and looks at it as its',
    'owner does, and declares what it can do; `packages/sidecar/src/conformance/fixture.ts` says how.',
    '`npm run conformance -- <kind> …` runs some adapters only, and leaves this page as it is.',
    '',
    `${passed} passed, ${failed} failed.`,
  ]
  let group = null
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group
      lines.push('', `## ${GROUPS[group] ?? group}`, '')
      lines.push(`| case | ${kinds.join(' | ')} |`, `|---|${kinds.map(() => '---|').join('')}`)
    }
    const cells = kinds.map(kind => row.cells.get(kind)?.verdict ?? 'NOT RUN')
    lines.push(`| ${row.title} | ${cells.join(' | ')} |`)
  }
  const reasons = new Map()
  for (const row of rows)
    for (const [kind, { verdict, lacks }] of row.cells) {
      if (verdict !== 'n/a') continue
      const key = `${kind}: ${lacks}`
      reasons.set(key, [...(reasons.get(key) ?? []), row.title])
    }
  if (reasons.size > 0) lines.push('', '## What n/a means', '', '| adapter and reason | cases |', '|---|---|')
  for (const [key, titles] of [...reasons].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push(`| ${key} | ${titles.join('; ')} |`)
  return `${lines.join('\n')}\n`
}
