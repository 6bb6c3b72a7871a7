import { type ConfigMapName, configMap } from './config-map.js'
import type { Format } from './format.js'
import { json } from './json.js'
import { properties } from './properties.js'
import { text } from './text.js'
import { yaml } from './yaml.js'

export { type Format, FormatError, type Values } from './format.js'

export const FORMATS = ['json', 'yaml', 'properties', 'configMap', 'text'] as const
export type FormatName = (typeof FORMATS)[number]

const BY_EXTENSION: Readonly<Record<string, FormatName>> = {
  json: 'json',
  yaml: 'yaml',
  yml: 'yaml',
  properties: 'properties',
  env: 'properties',
  conf: 'text',
}

export function formatOf(name: FormatName | undefined, file: string, map: ConfigMapName | null): Format {
  switch (name ?? BY_EXTENSION[/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ''] ?? 'text') {
    case 'json':
      return json
    case 'yaml':
      return yaml
    case 'properties':
      return properties
    case 'text':
      return text
    case 'configMap':
      return configMap(map ?? { name: '', namespace: null })
  }
}
