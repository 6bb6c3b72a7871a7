import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { nodeSettings } from './kafkaConfig.js'

interface Service {
  readonly image: string
  readonly ports: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly volumes?: readonly string[]
  readonly healthcheck?: {
    readonly test: readonly string[]
    readonly interval: string
    readonly retries: number
  }
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const compose = parse(read('../../../docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}
const services = Object.entries(compose.services)

describe('docker-compose.yml', () => {
  it('holds the same four parts as the local stack', () => {
    expect(services.map(([name]) => name).sort()).toEqual(['kafka', 'postgres', 'redis', 'registry'])
  })

  it.each(services)('%s: pinned, on loopback, with a health check', (_, service) => {
    expect(service.image).toMatch(/:\d+\.\d+|:\d+-/)
    for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
    expect(service.healthcheck?.test.length).toBeGreaterThan(1)
    expect(service.healthcheck?.retries).toBeGreaterThan(3)
  })

  it('runs the versions that the local stack downloads', () => {
    const pom = read('../pom.xml')
    const version = (name: string) => new RegExp(`<${name}.version>(.*)</`).exec(pom)?.[1]
    expect(compose.services.kafka?.image).toBe(`apache/kafka:${version('kafka')}`)
    expect(compose.services.registry?.image).toBe(`apicurio/apicurio-registry-mem:${version('apicurio')}`)
  })

  it("gives Kafka the local stack's settings", () => {
    const inContainer = new Set([
      ...['listeners', 'advertised.listeners', 'controller.quorum.voters', 'log.dirs'],
      // Tuning for tests and small machines, which changes nothing that a client sees.
      ...[
        'broker.session.timeout.ms',
        'broker.heartbeat.interval.ms',
        'num.network.threads',
        'num.io.threads',
      ],
      ...['background.threads', 'log.cleaner.dedupe.buffer.size'],
      ...['transaction.state.log.num.partitions', 'share.coordinator.state.topic.num.partitions'],
    ])
    const environment = compose.services.kafka?.environment ?? {}
    for (const line of nodeSettings({ id: 1, clientPorts: [1], controllerPorts: [2], home: '' })
      .trim()
      .split('\n')) {
      const [key = '', value] = line.split('=')
      const variable = `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`
      if (!inContainer.has(key)) expect([variable, String(environment[variable])]).toEqual([variable, value])
    }
  })

  it('declares every volume that it mounts', () => {
    const mounted = services.flatMap(([, service]) =>
      (service.volumes ?? []).map(volume => volume.split(':')[0]),
    )
    expect(mounted.sort()).toEqual(Object.keys(compose.volumes).sort())
  })
})
