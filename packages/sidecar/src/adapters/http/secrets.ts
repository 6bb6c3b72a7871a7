import { readFile } from 'node:fs/promises'
import { ContractError } from '../../adapter/port.js'
import type { Secret } from './options.js'

/**
 * The value of a secret now. Files are read for every request, so that a rotated secret needs no restart.
 * @throws ContractError naming the key and the file, never the value.
 */
export async function readSecret(secret: Secret, key: string): Promise<string> {
  if (typeof secret === 'string') return secret
  let text: string
  try {
    text = (await readFile(secret.file, 'utf8')).trim()
  } catch (error) {
    throw new ContractError(
      `${key}: cannot read ${secret.file} (${(error as NodeJS.ErrnoException).code}); give the sidecar a file that it may read`,
    )
  }
  if (text === '') throw new ContractError(`${key}: ${secret.file} is empty; write the secret into it`)
  return secret.prefix + text
}

export async function readSecretHeaders(
  headers: Readonly<Record<string, Secret>>,
): Promise<Record<string, string>> {
  const entries = Object.entries(headers).map(
    async ([name, secret]) =>
      [name.toLowerCase(), await readSecret(secret, `adapter.headers.${name}`)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
