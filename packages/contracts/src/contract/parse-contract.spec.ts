// biome-ignore-all lint/suspicious/noTemplateCurlyInString: contract files name variables like this
import { describe, expect, test } from 'vitest'
import { hashText } from '../plan/plan.js'
import { ContractInvalid, type ContractProblem } from './contract-invalid.js'
import { type ParseContractOptions, parseContract, readPublishedContract } from './parse-contract.js'

const GOOD = `# Orders of the shop.
apiVersion: unwind/v1
kind: Contract
system: orders
version: 1.0.0
owner:
  team: checkout
  contact: "#checkout"
success: The order and its lines are gone.
dependsOn: [stock]
adapter:
  kind: postgres
  url: \${ORDERS_URL}
actions:
  place-order:
    retry:
      attempts: 3
      initial: 1s
`

function problemsOf(text: string, options?: ParseContractOptions): readonly ContractProblem[] {
  try {
    parseContract(text, 'orders.yaml', options)
  } catch (error) {
    if (error instanceof ContractInvalid) return error.problems
    throw error
  }
  throw new Error('the contract was accepted')
}

const brief = (problems: readonly ContractProblem[]) =>
  problems.map(p => `${p.line}:${p.column} ${p.key} | ${p.message}`)

describe('a contract that is right', () => {
  test('is read with defaults, durations in milliseconds and variables replaced', () => {
    const { contract } = parseContract(GOOD, 'orders.yaml', { lookup: name => `value of ${name}` })
    expect(contract).toEqual({
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system: 'orders',
      version: '1.0.0',
      owner: { team: 'checkout', contact: '#checkout' },
      success: 'The order and its lines are gone.',
      dependsOn: ['stock'],
      bypass: 'never',
      deadline: 60_000,
      adapter: { kind: 'postgres', url: 'value of ORDERS_URL' },
      actions: {
        'place-order': {
          reversibility: 'reversible',
          onConflict: 'park',
          timeout: 5_000,
          retry: { attempts: 3, initial: 1_000, max: 30_000 },
        },
      },
    })
  })

  test('is published as it stands in the file, without the values of its variables', () => {
    const { document, hash } = parseContract(GOOD, 'orders.yaml', {
      lookup: () => 'postgres://user:secret@db/orders',
    })
    expect(document).toBe(
      '{"actions":{"place-order":{"retry":{"attempts":3,"initial":"1s"}}},' +
        '"adapter":{"kind":"postgres","url":"${ORDERS_URL}"},"apiVersion":"unwind/v1","dependsOn":["stock"],"kind":"Contract",' +
        '"owner":{"contact":"#checkout","team":"checkout"},"success":"The order and its lines are gone.","system":"orders","version":"1.0.0"}',
    )
    expect(hash).toBe(hashText(document))
  })

  test('has the same hash whatever the order of its keys, its comments and the environment', () => {
    const reordered = `${GOOD.split('\n').slice(2).join('\n')}apiVersion: unwind/v1 # moved\n`
    expect(parseContract(reordered, 'b.yaml', { lookup: () => 'x' }).hash).toBe(
      parseContract(GOOD, 'a.yaml').hash,
    )
  })

  test('keeps a literal ${ that was doubled, and reads aliases', () => {
    const text = `${GOOD.replace('url: ${ORDERS_URL}', () => 'url: $${literal}\n  a: &shared {x: 1}\n  b: *shared')}`
    const { contract } = parseContract(text, 'orders.yaml', { lookup: () => undefined })
    expect(contract.adapter).toEqual({ kind: 'postgres', url: '${literal}', a: { x: 1 }, b: { x: 1 } })
  })

  test('tells where a value of the adapter stands, for the checks of that adapter', () => {
    const { locate } = parseContract(GOOD, 'orders.yaml')
    expect([
      locate(['adapter', 'url']),
      locate(['adapter', 'missing']),
      locate(['actions', 'place-order', 'retry', 'attempts']),
    ]).toEqual([
      { line: 13, column: 8 },
      { line: 12, column: 3 },
      { line: 17, column: 17 },
    ])
  })

  test('reads back from its published document, and refuses a document that is not the one that was hashed', () => {
    const { document, hash, contract } = parseContract(GOOD, 'orders.yaml')
    expect(readPublishedContract(document, hash)).toEqual(contract)
    expect(() => readPublishedContract(document.replace('checkout', 'thieves'), hash)).toThrow(
      /its document hashes to [0-9a-f]{64}$/,
    )
  })
})

describe('a contract that is wrong', () => {
  test('is refused with all problems at once, each with line, column and key', () => {
    const text = GOOD.replace('version: 1.0.0', 'version: 1.0')
      .replace('success:', 'sucess:')
      .replace('attempts: 3', 'attempt: 3')
      .replace('initial: 1s', 'initial: 1')
      .replace('[stock]', '[stock, Payments]')
      .replace('apiVersion: unwind/v1', 'apiVersion: unwind/v2')
    expect(brief(problemsOf(text))).toEqual([
      '2:1 success | is missing: expected string, received undefined',
      '2:13 apiVersion | expected "unwind/v1"',
      '5:10 version | expected string, received number: put it in quotes',
      '9:1 sucess | is not a key of a contract here: did you mean "success"?',
      '10:20 dependsOn[1] | expected a lower-case name such as "orders" (letters, digits, dashes; at most 63)',
      '17:7 actions.place-order.retry.attempt | is not a key of a contract here: did you mean "attempts"?',
      '18:16 actions.place-order.retry.initial | expected a duration such as "200ms", "5s" or "10m", got 1',
    ])
  })

  test('names file, line, column, key and problem in its message, a line each', () => {
    expect(() => parseContract(GOOD.replace('kind: postgres', 'kind: 7'), 'deploy/orders.yaml')).toThrow(
      'deploy/orders.yaml:12:9 adapter.kind: expected string, received number: put it in quotes',
    )
  })

  test('lists the keys that there are when none comes near', () => {
    expect(brief(problemsOf(GOOD.replace('contact:', 'zzz:')))).toEqual([
      '7:3 owner.contact | is missing: expected string, received undefined',
      '8:3 owner.zzz | is not a key of a contract here: expected one of team, contact, onCall',
    ])
  })

  test('may not say a key twice; the rest is checked all the same', () => {
    expect(
      brief(
        problemsOf(
          GOOD.replace('kind: Contract\n', 'kind: Contract\nkind: Contract\n').replace('1.0.0', 'one'),
        ),
      ),
    ).toEqual(['4:1  | key "kind" occurs twice', '6:10 version | expected a version such as "1.0.0"'])
  })

  test('that is not YAML is refused where it breaks, without the echoes of that', () => {
    expect(brief(problemsOf(GOOD.replace('[stock]', '[stock')))).toEqual([
      '11:1  | is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ])
  })

  test('that has an unquoted variable in braces says what to do', () => {
    const text = GOOD.replace(
      'adapter:\n  kind: postgres\n  url: ${ORDERS_URL}',
      'adapter: {kind: postgres, url: ${ORDERS_URL}}',
    )
    expect(brief(problemsOf(text)).at(0)).toMatch(
      /^11:\d+ {2}\| is not YAML: .*\. Inside \{ \} and \[ \], put "\$\{NAME\}" in quotes$/,
    )
  })

  test.each([
    ['', '1:1  | is empty: expected a contract'],
    ['- a\n', '1:1  | expected object, received array'],
    ['just text', '1:1  | expected object, received string'],
  ])('%j is no contract', (text, problem) => {
    expect(brief(problemsOf(text))).toEqual([problem])
  })

  test('may not hold fractions, whose text differs between languages', () => {
    expect(brief(problemsOf(GOOD.replace('kind: postgres', 'kind: postgres\n  share: 0.5')))).toEqual([
      '13:10 adapter.share | is not a whole number that every language reads alike: write it as text, in quotes',
    ])
  })

  test('names a variable that is not set, with its line, and never the values of others', () => {
    const text = GOOD.replace('url: ${ORDERS_URL}', 'url: ${SET}\n  password: ${UNSET}')
    const problems = problemsOf(text, { lookup: name => (name === 'SET' ? 'secret' : undefined) })
    expect(brief(problems)).toEqual([
      '14:13 adapter.password | variable UNSET is not set: set it in the environment of this process',
    ])
    expect(new ContractInvalid(problems).message).not.toContain('secret')
  })

  test('may not have variables where others plan by the published document', () => {
    expect(brief(problemsOf(GOOD.replace('"#checkout"', '${ONCALL}'), { lookup: () => 'x' }))).toEqual([
      '8:12 owner.contact | ${ONCALL} is not replaced here: variables stand only below adapter, undo and probe',
    ])
  })

  test('says what a malformed variable should look like', () => {
    expect(brief(problemsOf(GOOD.replace('${ORDERS_URL}', '"${orders url}"')))).toEqual([
      '13:8 adapter.url | ${orders url} is no variable: expected ${NAME} (letters, digits, underscores), or $${ for a literal ${',
    ])
  })

  test('may not unfold a few aliases into a mountain', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x]',
      ...'bcdefg'
        .split('')
        .map((key, i) => `${key}: &${key} [${Array(8).fill(`*${'abcdef'[i]}`).join(', ')}]`),
    ]
    expect(brief(problemsOf(bomb.join('\n')))).toEqual([
      '1:1  | Excessive alias count indicates a resource exhaustion attack',
    ])
  })
})
