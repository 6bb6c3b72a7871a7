import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clusterId, nodeSettings } from './kafkaConfig.js'

function settings(id: number, clientPorts: number[], controllerPorts: number[]): Map<string, string> {
  const text = nodeSettings({ id, clientPorts, controllerPorts, home: '/home' })
  return new Map(
    text
      .trim()
      .split('\n')
      .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

describe("a node's settings", () => {
  it('alone: one copy of everything', () => {
    const alone = settings(1, [20_001], [20_002])
    expect(alone.get('default.replication.factor')).toBe('1')
    expect(alone.get('min.insync.replicas')).toBe('1')
    expect(alone.get('controller.quorum.voters')).toBe('1@127.0.0.1:20002')
  })

  it('of three: three copies, and two must have a record before it counts', () => {
    const second = settings(2, [1, 2, 3], [4, 5, 6])
    for (const key of [
      'default',
      'offsets.topic',
      'transaction.state.log',
      'share.coordinator.state.topic',
    ]) {
      expect(second.get(`${key}.replication.factor`)).toBe('3')
    }
    for (const key of ['min.insync.replicas', 'transaction.state.log.min.isr'])
      expect(second.get(key)).toBe('2')
    expect(second.get('controller.quorum.voters')).toBe('1@127.0.0.1:4,2@127.0.0.1:5,3@127.0.0.1:6')
    expect(second.get('advertised.listeners')).toBe('PLAINTEXT://127.0.0.1:2')
  })

  it('listens on loopback only', () => {
    expect(settings(1, [1], [2]).get('listeners')).toBe('PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2')
  })

  it('never makes a topic by itself, never elects a leader that lacks records, keeps what no topic limits', () => {
    const alone = settings(1, [1], [2])
    expect(alone.get('auto.create.topics.enable')).toBe('false')
    expect(alone.get('unclean.leader.election.enable')).toBe('false')
    expect(alone.get('log.retention.ms')).toBe('-1')
  })
})

describe("a cluster's ID", () => {
  it('is made once per data folder and never reads as an option', () => {
    for (let round = 0; round < 50; round++) {
      const folder = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
      const id = clusterId(folder)
      expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
      expect(clusterId(folder)).toBe(id)
      rmSync(folder, { recursive: true })
    }
  })
})
