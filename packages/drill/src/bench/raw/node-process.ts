import { SYSTEMS, waitsFor } from '../workload.js'
import { loadTemplates, NAME } from './message.js'
import { openPipe } from './pipe.js'

/**
 * One participant of the raw choreography: the same messages, the same topic and partitions, one consumer group a process, and no
 * logic but counting what it waits for. Run with: brokers, topic, group prefix, role, template file.
 */
const [brokers, topic, prefix, role, file] = process.argv.slice(2) as [string, string, string, string, string]
const templates = loadTemplates(file)
const before = new Set(waitsFor(role).map(system => `CompensationCompleted/${system}`))
const open = new Map<string, number>()

const pipe = await openPipe({
  brokers: brokers.split(','),
  topic,
  groupId: `${prefix}.${role}`,
  fromBeginning: true,
  onMessage: role === 'coordinator' ? coordinate : participate,
})
process.send?.('ready')
process.once('SIGTERM', () => void pipe.close().then(() => process.exit(0)))
process.once('disconnect', () => process.exit(0))

function emit(key: string, name: string): void {
  const template = templates.get(name)
  if (!template) throw new Error(`no template for ${name}`)
  pipe.send({ key, value: template.value, headers: { ...template.headers, [NAME]: name } })
}

function participate({ key, name }: { key: string; name: string }): void {
  if (name === 'RollbackRequested' && before.size === 0) act(key)
  if (!before.has(name)) return
  const seen = (open.get(key) ?? 0) + 1
  if (seen === before.size) {
    open.delete(key)
    act(key)
  } else open.set(key, seen)
}

function act(key: string): void {
  emit(key, `CompensationCompleted/${role}`)
}

function coordinate({ key, name }: { key: string; name: string }): void {
  if (name === 'RollbackProposed') emit(key, 'RollbackRequested')
  if (!name.startsWith('CompensationCompleted/')) return
  const seen = (open.get(key) ?? 0) + 1
  if (seen === SYSTEMS.length) {
    open.delete(key)
    emit(key, 'RollbackClosed')
  } else open.set(key, seen)
}
