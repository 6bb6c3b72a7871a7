import { readFileSync } from 'node:fs'
import { aclCommands, aclsFor, type Party, topicNames } from '@unwind/contracts'
import { expect, it } from 'vitest'

const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')
const PARTIES: readonly Party[] = [
  { kind: 'sidecar', name: 'orders' },
  { kind: 'coordinator', name: 'main' },
  { kind: 'client', name: 'checkout' },
  { kind: 'proposer', name: 'shop' },
  { kind: 'reader', name: 'ana' },
  { kind: 'administrator', name: 'ops' },
]
const rules = aclsFor(topicNames(), PARTIES)

/** One row a party: what it may do to what. */
function table(): string {
  const rows = PARTIES.map(({ kind, name }) => {
    const own = rules.filter(rule => rule.principal === `User:${kind}-${name}`)
    const may = (operation: string, resource: string) =>
      own
        .filter(rule => rule.operation === operation && rule.resource === resource)
        .map(rule => `\`${rule.name}${rule.pattern === 'prefixed' ? '*' : ''}\``)
        .join(' ')
    const other = own
      .filter(rule => !['Read', 'Write'].includes(rule.operation))
      .map(
        rule =>
          `${rule.operation} ${rule.resource === 'cluster' ? 'of the cluster' : `\`${rule.name}${rule.pattern === 'prefixed' ? '*' : ''}\``}`,
      )
      .join(', ')
    return `| \`${kind}-${name}\` | ${may('Read', 'topic')} | ${may('Write', 'topic')} | ${may('Read', 'group')} | ${other} |`
  })
  return ['| user | reads | writes | group | besides |', '|---|---|---|---|---|', ...rows].join('\n')
}

it('docs/security.md lists the rules that the attack suite runs with, as a table', () => {
  expect(page).toContain(table())
})

it('docs/security.md lists them as commands', () => {
  expect(page).toContain(`\`\`\`sh\n${aclCommands(rules).join('\n')}\n\`\`\``)
})
