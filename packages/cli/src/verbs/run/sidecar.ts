import {
  baseConfig,
  createFailpoints,
  createLogger,
  createMetrics,
  loadConfig,
  runProcess,
  SIDECAR_FAILPOINTS,
} from '@unwind/runtime'
import type { Command } from 'commander'
import { loadContractFile } from '../../contract/load-contract.js'
import { locateProblem } from '../../contract/locate-problem.js'
import { sidecarService } from '../../processes/sidecar.js'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { absolute, environmentFor, need, type Settings, settingsOf } from '../../shell/settings.js'

interface Options {
  readonly contract: string
  readonly key?: string
  readonly concurrency: number
  readonly kafka?: string[]
  readonly registry?: string
  readonly prefix?: string
}

/** Runs until it is told to stop; the exit code is that of the process's end. */
export async function runSidecar(cli: Cli, command: Command, options: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const contract = loadContractFile(cli, options.contract)
  const { system } = contract.contract
  const config = loadConfig(baseConfig, {
    ...(settings.configFile ? { file: settings.configFile } : {}),
    env: environmentFor(cli, settings),
    options: {
      kafka: { brokers: options.kafka },
      registry: { url: options.registry },
      topics: { prefix: options.prefix },
    },
  })
  const keyFile = keyOf(cli, settings, options, system)
  const trustFile = need(settings.trustFile, 'the trust file', 'UNWIND_SIGNING_TRUST_FILE')
  const name = `sidecar ${system}`
  const logger = createLogger({ name, level: config.log.level })
  const code = await runProcess({
    name,
    log: logger,
    async start({ fatal }) {
      const service = sidecarService({
        contract,
        config,
        keyFile,
        trustFile,
        concurrency: options.concurrency,
        logger,
        metrics: createMetrics({ system }),
        failpoint: createFailpoints<string>(SIDECAR_FAILPOINTS, cli.io.env),
        onFatal: fatal,
      })
      try {
        await service.start()
      } catch (error) {
        await service.stop().catch(() => undefined)
        throw locateProblem(error, contract, options.contract)
      }
      return service
    },
  })
  if (code !== 0) cli.exit = 'failure'
}

function keyOf(cli: Cli, settings: Settings, { key }: Options, system: string): string {
  if (key) return absolute(cli.io.cwd, key)
  const chosen = settings.keyFile ?? settings.dev?.keys[`sidecar:${system}`]
  if (chosen) return chosen
  throw new CliError(
    'usage',
    `There is no key that speaks for system ${system}.`,
    settings.dev
      ? `Start the local environment again with "unwind dev --system ${system}", or make a key with "unwind keys generate".`
      : `Make one: unwind keys generate sidecar:${system} --role sidecar --system ${system} --out ${system}.jwk --trust trust.json`,
  )
}
