/**
 * Apicurio Registry 2.6, through its Confluent-compatible API.
 *
 * The build "in memory" keeps its data in an H2 database, which we give a file: Kafka's log outlives a restart of the stack, and
 * so must the schema IDs that its records carry.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PartContext } from './context.js'
import { type Download, download } from './download.js'
import { ClassArchive } from './java.js'
import { withPorts } from './ports.js'
import { probeRegistry } from './registryProbe.js'
import { Server } from './server.js'
import { findJava } from './tools.js'

export const REGISTRY: Download = {
  name: 'apicurio-2.6.13',
  label: 'Apicurio Registry 2.6.13',
  megabytes: 142,
  goal: 'unpack@registry',
  growsIn: 'io/apicurio/apicurio-registry-app',
}

const API = '/apis/ccompat/v7'

export interface SinglePartStarted {
  readonly server: Server
  readonly url: string
}

export async function startRegistry(context: PartContext): Promise<SinglePartStarted> {
  const home = await download(REGISTRY, context)
  const java = await findJava(context.env)
  const archive = new ClassArchive(context.cacheDir, REGISTRY.name, java)
  const jar = readdirSync(home).find(file => file.endsWith('-runner.jar'))
  if (!jar) throw new Error(`${home} holds no registry: delete it, and it is downloaded again`)

  return withPorts(1, context.ports, async ([port = 0]) => {
    const url = `http://127.0.0.1:${port}${API}`
    const server = new Server({
      label: 'Apicurio Registry',
      port,
      readyWithinMs: 60_000,
      stopWithinMs: 15_000,
      launch: () => ({
        command: java.file,
        args: [
          '-Xmx256m',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          ...archive.flags(true),
          '-Dquarkus.http.host=127.0.0.1',
          `-Dquarkus.http.port=${port}`,
          // Each commit is written out at once, so that a killed registry forgets nothing that it answered.
          `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(context.dataDir, 'registry')};WRITE_DELAY=0`,
          '-Dquarkus.datasource.jdbc.initial-size=2',
          '-Dquarkus.datasource.jdbc.min-size=2',
          '-Dquarkus.datasource.jdbc.max-size=20',
          '-jar',
          join(home, jar),
        ],
        cwd: context.dataDir,
        env: context.env,
        logFile: join(context.logDir, 'registry.log'),
      }),
      probe: () => probeRegistry(url),
      afterExit: () => archive.keep(),
    })
    await server.startUnder(context.signal)
    return { server, url }
  })
}
