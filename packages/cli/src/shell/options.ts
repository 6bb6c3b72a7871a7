import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseSince } from '../output/time.js'

/** On every verb that prints data. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how data is printed').choices(['text', 'json']).default('text')
}

/** Verbs that speak to the coordinator. */
export function apiOption(): Option {
  return new Option('--api <url>', 'the coordinator (UNWIND_API_URL)')
}

/** Verbs that speak to Kafka. */
export function kafkaOption(): Option {
  return new Option('--kafka <host:port,...>', 'brokers (KAFKA_BROKERS)').argParser(brokerList)
}

export function registryOption(): Option {
  return new Option('--registry <url>', 'schema registry (SCHEMA_REGISTRY_URL)')
}

export function prefixOption(): Option {
  return new Option('--prefix <name>', 'prefix of the topics (UNWIND_TOPICS_PREFIX)')
}

export function brokerList(text: string): string[] {
  const brokers = text
    .split(',')
    .map(item => item.trim())
    .filter(Boolean)
  for (const broker of brokers)
    if (!/^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i.test(broker))
      throw new InvalidArgumentError(`Expected host:port, got "${broker}".`)
  if (brokers.length === 0) throw new InvalidArgumentError('Expected at least one host:port.')
  return brokers
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}, got "${text}".`)
    return value
  }
}

/** @param now epoch ms. */
export function sinceParser(now: () => number): (text: string) => number {
  return text => {
    const at = parseSince(text, now())
    if (at === null)
      throw new InvalidArgumentError(
        `Expected "30s", "10m", "2h", "1d" or an ISO date and time, got "${text}".`,
      )
    return at
  }
}

/** For verbs that may be about a part of what was done under a correlation ID. */
export function addPartOptions(command: Command): void {
  const options = [
    new Option('--systems, --system <name,...>', 'only these systems').argParser(nameList),
    new Option('--action <name-or-id>', 'only these actions; repeatable').argParser(collect),
    new Option('--resource <name>', 'only actions on these resources; repeatable').argParser(collect),
    new Option('--accept-partial', 'actions that build on the undone ones may stay as they are'),
  ]
  for (const option of options) command.addOption(option)
}

/** Repeatable, each taken as it is: resources may hold commas. */
export function collect(text: string, before: readonly string[] = []): string[] {
  if (text === '') throw new InvalidArgumentError('Expected a name.')
  return [...new Set([...before, text])]
}

export interface PartOptions {
  readonly system?: readonly string[]
  readonly action?: readonly string[]
  readonly resource?: readonly string[]
  readonly acceptPartial?: boolean
}

/** The part as the API takes it. */
export function partOf({ system, action, resource, acceptPartial }: PartOptions) {
  return {
    ...(system ? { systems: system } : {}),
    ...(action ? { actions: action } : {}),
    ...(resource ? { resources: resource } : {}),
    ...(acceptPartial ? { acceptPartial } : {}),
  }
}

/** Repeatable and comma-separated. */
export function nameList(text: string, before: readonly string[] = []): string[] {
  const names = text
    .split(',')
    .map(name => name.trim())
    .filter(Boolean)
  if (names.length === 0) throw new InvalidArgumentError('Expected at least one name.')
  return [...new Set([...before, ...names])]
}
