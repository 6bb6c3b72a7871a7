import { contractSchema } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { compileHttpContract, httpTarget } from './target.js'

const undo = { method: 'POST', path: '/payments/{id}/refunds' }
const probe = { path: '/payments/{id}', expect: { '/status': 'refunded' } }
const contract = (adapter: object, action: object = { undo, probe }) =>
  contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'payments',
    version: '1.0.0',
    owner: { team: 'p', contact: 'p@example.test' },
    success: 's',
    adapter: { kind: 'http', baseUrl: 'http://pay.test:8080/v1/', ...adapter },
    actions: { captured: action },
  })
const problems = (adapter: object, action?: object) =>
  compileHttpContract(contract(adapter, action), {}).problems.map(p => `${p.key.join('.')}: ${p.message}`)

describe('a contract of kind http', () => {
  it('compiles, with the defaults', () => {
    const target = httpTarget(contract({}), {})
    expect(target.options).toMatchObject({ keyRetention: 86_400_000, maxBody: 65_536, connections: 16 })
    expect(target.actions.get('captured')).toMatchObject({
      timeoutMs: 5_000,
      onConflict: 'park',
      undo: {
        success: [200, 201, 204],
        idempotencyKeyHeader: 'Idempotency-Key',
        idempotencyKeyFormat: 'quoted',
      },
      probe: { status: [200], within: 2_000 },
    })
  })

  it.each([
    [
      'an undo without a probe',
      {},
      { undo },
      'actions.captured.probe: missing: without a read-back nothing proves the undo; give a GET with its path and what to expect',
    ],
    [
      'a missing undo',
      {},
      { probe },
      'actions.captured.undo: missing: say how the reversible action is undone (method, path, body)',
    ],
    [
      'a probe that proves nothing',
      {},
      { undo, probe: { path: '/x' } },
      'actions.captured.probe.expect: an answer that is only "success" proves nothing; name a JSON pointer and its value, or a status such as [404]',
    ],
    ['an unknown key', { baseURL: 'x' }, undefined, 'adapter: unknown key "baseURL"'],
    [
      'a pointer that is none',
      {},
      { undo, probe: { path: '/x', expect: { status: 1 } } },
      'actions.captured.probe.expect.status: expected a JSON pointer such as "/status" (RFC 6901)',
    ],
    [
      'a path with dots',
      {},
      { undo: { ...undo, path: '/a/../b' }, probe },
      'actions.captured.undo.path: a path must not hold "." or ".." segments',
    ],
    [
      'a path that names another host',
      {},
      { undo: { ...undo, path: '//evil.test/x' }, probe },
      'actions.captured.undo.path: expected a path below baseUrl that begins with one "/", such as "/payments/{paymentId}"',
    ],
    [
      'a bad template',
      {},
      { undo: { ...undo, path: '/a/{' }, probe },
      'actions.captured.undo.path: unbalanced "{" in "/a/{"; write "{{" for a literal brace',
    ],
    [
      'a header that the adapter sets',
      {},
      { undo: { ...undo, headers: { 'If-Match': 'x' } }, probe },
      'actions.captured.undo.headers.If-Match: the adapter sets this header itself',
    ],
    [
      'merge',
      {},
      { undo, probe, onConflict: 'merge' },
      'actions.captured.onConflict: an http undo cannot restore single fields; choose park, keep or force',
    ],
    [
      'keep without what was left',
      {},
      { undo, probe, onConflict: 'keep' },
      'actions.captured.onConflict: "keep" must be able to tell newer data from an undo that did not happen; name in undo.expect what the action left behind',
    ],
    [
      'a host that is not allowed',
      { allow: ['pay.example'] },
      undefined,
      'adapter.baseUrl: host pay.test:8080 is not allowed; adapter.allow has pay.example',
    ],
    [
      'credentials in the URL',
      { baseUrl: 'http://u:s3cret@pay.test/' },
      undefined,
      'adapter.baseUrl: credentials in a URL end up in logs: put them into headers, oauth2 or tls',
    ],
    [
      'another scheme',
      { baseUrl: 'ftp://pay.test/' },
      undefined,
      'adapter.baseUrl: expected an http:// or https:// URL',
    ],
    [
      'a size without a unit',
      { maxBody: '65536' },
      undefined,
      'adapter.maxBody: expected a size such as "64KB", at most "16MB", got "65536"',
    ],
    [
      'half a client certificate',
      { baseUrl: 'https://pay.test/', tls: { certFile: '/c' } },
      undefined,
      'adapter.tls: a client certificate needs both certFile and keyFile',
    ],
    [
      'a health path with a placeholder',
      { health: '/h/{id}' },
      undefined,
      'adapter.health: expected a fixed path: no action gives it data',
    ],
    [
      'an irreversible action with an undo',
      {},
      { reversibility: 'irreversible', undo },
      'actions.captured.undo: the action is declared irreversible; take the undo out, or declare it compensatable',
    ],
  ])('refuses %s', (_, adapter, action, expected) => {
    expect(problems(adapter, action)).toEqual([expected])
  })

  it('says all problems at once, each with its key', () => {
    expect(() => httpTarget(contract({ maxBody: '1' }, { undo }), {})).toThrow(
      'contract payments 1.0.0 does not fit the http adapter:\n  adapter.maxBody: expected a size such as "64KB", at most "16MB", got "1"\n  actions.captured.probe: missing',
    )
  })

  it('needs neither undo nor probe for an irreversible action', () => {
    expect(problems({}, { reversibility: 'irreversible' })).toEqual([])
  })

  it('takes variables from the environment, or from the file that *_FILE names', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: so contracts spell variables
    const section = { baseUrl: '${PAYMENTS_URL}', headers: { Authorization: 'Bearer ${PAYMENTS_TOKEN}' } }
    const { target } = compileHttpContract(contract(section), {
      PAYMENTS_URL: 'https://pay.test',
      PAYMENTS_TOKEN: 't',
    })
    expect([target?.options.baseUrl.href, target?.options.headers]).toEqual([
      'https://pay.test/',
      { Authorization: 'Bearer t' },
    ])
    expect(problems(section)).toEqual([
      'adapter.baseUrl: set the environment variable PAYMENTS_URL (or PAYMENTS_URL_FILE, the name of a file that holds it)',
      'adapter.headers.Authorization: set the environment variable PAYMENTS_TOKEN (or PAYMENTS_TOKEN_FILE, the name of a file that holds it)',
    ])
    const absent = compileHttpContract(contract(section), {
      PAYMENTS_URL_FILE: '/absent',
      PAYMENTS_TOKEN: 't',
    })
    expect(absent.problems.map(each => each.message)).toEqual([
      'cannot read /absent, which PAYMENTS_URL_FILE names (ENOENT)',
    ])
  })
})
