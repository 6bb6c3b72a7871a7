import { coordinatorConfig, coordinatorFromConfig } from '@unwind/coordinator'
import {
  COORDINATOR_FAILPOINTS,
  createFailpoints,
  createLogger,
  createMetrics,
  loadConfig,
  runProcess,
} from '@unwind/runtime'
import type { Command } from 'commander'
import { exitWithParent } from '../../processes/exit-with-parent.js'
import type { Cli } from '../../shell/cli.js'
import { absolute, environmentFor, settingsOf } from '../../shell/settings.js'

interface Options {
  readonly key?: string
  readonly port?: number
  readonly witness?: string
  readonly kafka?: string[]
  readonly registry?: string
  readonly prefix?: string
}

/** Runs until it is told to stop; the exit code is that of the process's end. */
export async function runCoordinator(cli: Cli, command: Command, options: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const env = environmentFor(cli, settings)
  const { dev } = settings
  env.UNWIND_SIGNING_KEY_FILE ??= dev?.keys['coordinator:dev']
  env.UNWIND_API_APPROVER_KEY_FILE ??= dev?.keys['operator:dev']
  const config = loadConfig(coordinatorConfig, {
    ...(settings.configFile ? { file: settings.configFile } : {}),
    env,
    options: {
      kafka: { brokers: options.kafka },
      registry: { url: options.registry },
      topics: { prefix: options.prefix },
      signing: { keyFile: options.key && absolute(cli.io.cwd, options.key) },
      api: { port: options.port },
      checkpoints: { witness: options.witness },
    },
  })
  const logger = createLogger({ name: 'coordinator', level: config.log.level })
  const failpoint = createFailpoints<string>(COORDINATOR_FAILPOINTS, cli.io.env)
  exitWithParent(cli.io.env.UNWIND_DEV_PARENT)
  const code = await runProcess({
    name: 'coordinator',
    log: logger,
    async start({ fatal }) {
      const service = coordinatorFromConfig(config, {
        logger,
        metrics: createMetrics(),
        failpoint,
        onFatal: fatal,
      })
      try {
        await service.start()
      } catch (error) {
        await service.stop().catch(() => undefined)
        throw error
      }
      logger.info({ url: service.apiUrl }, 'the API is served')
      return service
    },
  })
  if (code !== 0) cli.exit = 'failure'
}
