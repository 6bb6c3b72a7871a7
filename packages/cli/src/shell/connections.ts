import type { KafkajsOptions, RegistryOptions } from '@unwind/runtime'
import type { Cli } from './cli.js'
import { driverLog } from './log.js'
import { needBrokers, needRegistry, type Settings } from './settings.js'

/** How a verb reaches Kafka: brokers, TLS, SASL and time-outs as they are configured. */
export async function kafkaOf(cli: Cli, settings: Settings, clientId: string): Promise<KafkajsOptions> {
  const { kafkaOptions, kafkaSection } = await import('@unwind/runtime')
  const section = kafkaSection.parse({ ...settings.kafka, brokers: [...needBrokers(settings)] })
  return kafkaOptions(section, { clientId, logger: driverLog(cli) })
}

/** How a verb reaches the registry: address and credentials as they are configured. */
export async function registryOf(settings: Settings): Promise<RegistryOptions> {
  const { registryOptions } = await import('@unwind/runtime')
  return registryOptions({ ...settings.registry, url: needRegistry(settings) })
}
