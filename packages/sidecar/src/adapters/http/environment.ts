import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * `${NAME}` in any text of the section, from the variable or from the file that `NAME_FILE` names: a contract is
 * published, a secret is not. What is missing is reported by its key path; its text stays as it is.
 */
export function expandVariables(
  section: unknown,
  environment: Environment,
  missing: (key: readonly (string | number)[], message: string) => void,
  key: readonly (string | number)[] = [],
): unknown {
  if (typeof section === 'string') return expandText(section, environment, message => missing(key, message))
  if (Array.isArray(section))
    return section.map((item, i) => expandVariables(item, environment, missing, [...key, i]))
  if (typeof section !== 'object' || section === null) return section
  const entries = Object.entries(section)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, expandVariables(value, environment, missing, [...key, name])]),
  )
}

function expandText(text: string, environment: Environment, missing: (message: string) => void): string {
  return text.replaceAll(VARIABLE, (whole, name: string) => {
    const value = environment[name] || readVariableFile(environment[`${name}_FILE`], name, missing)
    if (value === undefined)
      missing(`set the environment variable ${name} (or ${name}_FILE, the name of a file that holds it)`)
    return value ?? whole
  })
}

function readVariableFile(
  file: string | undefined,
  name: string,
  missing: (message: string) => void,
): string | undefined {
  if (!file) return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    missing(`cannot read ${file}, which ${name}_FILE names (${(error as NodeJS.ErrnoException).code})`)
    return ''
  }
}
