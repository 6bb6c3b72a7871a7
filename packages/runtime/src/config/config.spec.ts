import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { describeConfig } from './describe-config.js'
import { keysOf } from './keys.js'
import { ConfigError, loadConfig } from './load-config.js'
import { baseConfig, databaseSection, kafkaOptions, redisSection } from './sections.js'

const schema = baseConfig.extend({ redis: redisSection, database: databaseSection.optional() })
const REQUIRED = {
  KAFKA_BROKERS: '127.0.0.1:9092',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8080/apis/ccompat/v7',
  REDIS_URL: 'redis://127.0.0.1:6379',
}

describe('configuration', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unwind-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function file(text: string, name = 'unwind.yaml'): string {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  function problems(sources: Parameters<typeof loadConfig>[1]): readonly string[] {
    try {
      loadConfig(schema, sources)
    } catch (error) {
      if (error instanceof ConfigError) return error.problems
      throw error
    }
    return []
  }

  test('defaults fill what nobody says', () => {
    const config = loadConfig(schema, { env: REQUIRED })
    expect(config).toEqual({
      kafka: {
        brokers: ['127.0.0.1:9092'],
        ssl: { enabled: false },
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: 10_000,
        deliveryTimeoutMs: 120_000,
      },
      registry: { url: REQUIRED.SCHEMA_REGISTRY_URL },
      topics: { prefix: 'unwind', partitions: 12 },
      signing: {},
      log: { level: 'info' },
      probes: { host: '127.0.0.1', port: 0 },
      redis: { url: REQUIRED.REDIS_URL },
    })
  })

  test('option before environment before file before default', () => {
    const path = file(
      'topics:\n  prefix: file\n  partitions: 3\nlog:\n  level: warn\nkafka:\n  brokers: [f:1, g:2]\n',
    )
    const env = {
      ...REQUIRED,
      UNWIND_TOPICS_PREFIX: 'env',
      UNWIND_TOPICS_PARTITIONS: '5',
      UNWIND_KAFKA_BROKERS: 'a:1, b:2',
    }
    const options = { topics: { prefix: 'option', partitions: undefined }, log: {} }
    const config = loadConfig(schema, { file: path, env, options })
    expect(config.topics).toEqual({ prefix: 'option', partitions: 5 })
    expect(config.kafka.brokers).toEqual(['a:1', 'b:2'])
    expect(config.log.level).toBe('warn')
  })

  test('every key has a variable', () => {
    const variables = keysOf(schema).map(key => key.variables.join(' '))
    expect(variables).toContain('UNWIND_KAFKA_SESSION_TIMEOUT_MS')
    expect(variables).toContain('UNWIND_KAFKA_SASL_PASSWORD')
    expect(variables).toContain('UNWIND_SIGNING_KEY_FILE')
    expect(variables).toContain('UNWIND_REGISTRY_URL SCHEMA_REGISTRY_URL')
    expect(new Set(variables).size).toBe(variables.length)
  })

  test('secrets come from files, and both at once is an error', () => {
    const password = file('s3cret\n', 'password')
    const sasl = { UNWIND_KAFKA_SASL_MECHANISM: 'plain', UNWIND_KAFKA_SASL_USERNAME: 'u' }
    const env = { ...REQUIRED, ...sasl, UNWIND_KAFKA_SASL_PASSWORD_FILE: password }
    expect(loadConfig(schema, { env }).kafka.sasl).toEqual({
      mechanism: 'plain',
      username: 'u',
      password: 's3cret',
    })
    expect(problems({ env: { ...env, UNWIND_KAFKA_SASL_PASSWORD: 'x' } })).toEqual([
      'kafka.sasl.password: both UNWIND_KAFKA_SASL_PASSWORD and UNWIND_KAFKA_SASL_PASSWORD_FILE are set; unset one of them.',
    ])
    const gone = join(folder, 'gone')
    expect(problems({ env: { ...REQUIRED, REDIS_URL_FILE: gone, REDIS_URL: undefined } })[0]).toMatch(
      /^redis\.url: the file that REDIS_URL_FILE names cannot be read: ENOENT/,
    )
  })

  test('a wrong value is named with file, line and key', () => {
    const path = file(
      '# the cluster\nkafka:\n  brokers:\n    - 127.0.0.1\ntopics:\n  partitions: many\n  prefx: a\n',
    )
    expect(problems({ file: path, env: { ...REQUIRED, KAFKA_BROKERS: undefined } })).toEqual([
      `${path}:4: kafka.brokers.0: must be "host:port"`,
      `${path}:6: topics.partitions: Invalid input: expected number, received string`,
      `${path}:7: topics.prefx: there is no such key; here are: partitions, prefix.`,
    ])
  })

  test('a wrong value from a variable or an option is named as that', () => {
    const env = { ...REQUIRED, UNWIND_TOPICS_PARTITIONS: 'many' }
    expect(problems({ env, options: { log: { level: 'loud' } } })).toEqual([
      'environment variable UNWIND_TOPICS_PARTITIONS: topics.partitions: Invalid input: expected number, received string',
      expect.stringMatching(/^command line option: log\.level: Invalid option/),
    ])
  })

  test('what is missing is named with the ways to set it', () => {
    expect(problems({ env: {} })).toEqual([
      'kafka.brokers is missing: set it in the file, or set KAFKA_BROKERS or UNWIND_KAFKA_BROKERS.',
      'registry.url is missing: set it in the file, or set SCHEMA_REGISTRY_URL or UNWIND_REGISTRY_URL.',
      'redis.url is missing: set it in the file, or set REDIS_URL or UNWIND_REDIS_URL.',
    ])
  })

  test.each([
    ['a: [', /unwind\.yaml:\d+: /],
    ['log:\n  level: info\nlog:\n  level: warn\n', /unwind\.yaml:3: Map keys must be unique/],
    ['- a\n- b\n', /unwind\.yaml:1: the file must hold keys and values/],
  ])('a file that is no configuration is refused: %j', (text, message) => {
    expect(problems({ file: file(text), env: REQUIRED })[0]).toMatch(message)
  })

  test('an empty file says nothing; a file that is named must be there', () => {
    expect(problems({ file: file(''), env: REQUIRED })).toEqual([])
    expect(problems({ file: join(folder, 'gone.yaml'), env: REQUIRED })[0]).toMatch(
      /gone\.yaml cannot be read/,
    )
  })

  test('shown, it masks secrets and credentials', () => {
    const env = {
      ...REQUIRED,
      REDIS_URL: 'redis://user:s3cret@h:1',
      DATABASE_URL: 'postgres://u:s3cret@h/db',
    }
    const options = { kafka: { sasl: { mechanism: 'plain', username: 'u', password: 's3cret' } } }
    const shown = JSON.stringify(describeConfig(schema, loadConfig(schema, { env, options })))
    expect(shown).not.toContain('s3cret')
    expect(JSON.parse(shown)).toMatchObject({
      kafka: { sasl: { username: 'u', password: '***' } },
      redis: { url: 'redis://***@h:1' },
      database: { url: '***' },
    })
  })

  test('a certificate that cannot be read is named', () => {
    const section = loadConfig(z.strictObject({ kafka: baseConfig.shape.kafka }), {
      env: REQUIRED,
      options: { kafka: { ssl: { enabled: true, caFile: '/nowhere/ca.pem' } } },
    }).kafka
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    }
    expect(() => kafkaOptions(section, { clientId: 'c', logger })).toThrow(
      /kafka\.ssl\.caFile: \/nowhere\/ca\.pem cannot be read/,
    )
  })
})
