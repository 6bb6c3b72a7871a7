import { readFile } from 'node:fs/promises'

/** A secret cannot be read; the message names the key and the file, never the content. */
export class SecretUnreadable extends Error {
  override readonly name = 'SecretUnreadable'
}

/** Read for each message, so that a rotated secret needs no restart. @throws SecretUnreadable */
export async function readSecretFile(file: string, key: string): Promise<string> {
  let text: string
  try {
    text = (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new SecretUnreadable(
      `${key}: cannot read ${file} (${(error as NodeJS.ErrnoException).code}); give the coordinator a file that it may read`,
    )
  }
  if (text === '') throw new SecretUnreadable(`${key}: ${file} is empty; write the secret into it`)
  return text
}
