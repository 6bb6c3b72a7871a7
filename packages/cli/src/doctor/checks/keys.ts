import { loadSigningKey, loadTrustFile } from '@unwind/runtime'
import { type Check, type Finding, fail, ok, reasonOf, warn } from '../check.js'

/** Key files of this process and of the local environment: readable, private, and known to the trust file. */
export const checkKeys: Check = async ({ settings }) => {
  const { trustFile, keyFile, dev } = settings
  const files = [...new Set([...(keyFile ? [keyFile] : []), ...Object.values(dev?.keys ?? {})])]
  if (trustFile === null)
    return [
      warn(
        'trust file',
        'none is configured',
        'Set UNWIND_SIGNING_TRUST_FILE; without it no signature can be checked.',
      ),
    ]
  let trusted: ReadonlySet<string>
  const findings: Finding[] = []
  try {
    const keys = loadTrustFile(trustFile)
    trusted = new Set(keys.map(key => key.kid))
    findings.push(ok('trust file', `${trustFile}: ${keys.length} key${keys.length === 1 ? '' : 's'}`))
  } catch (error) {
    return [
      fail(
        'trust file',
        reasonOf(error),
        'Correct the file, or point UNWIND_SIGNING_TRUST_FILE at the right one.',
      ),
    ]
  }
  if (files.length === 0)
    findings.push(
      warn(
        'signing key',
        'none is configured',
        'Set UNWIND_SIGNING_KEY_FILE for processes that emit events.',
      ),
    )
  for (const file of files) findings.push(keyFinding(file, trusted, trustFile))
  return findings
}

function keyFinding(file: string, trusted: ReadonlySet<string>, trustFile: string): Finding {
  try {
    const { principal, keyId } = loadSigningKey(file)
    if (trusted.has(keyId)) return ok(`key ${principal}`, file)
    return fail(
      `key ${principal}`,
      `${file} is not in ${trustFile}: nobody believes what it signs`,
      'Add its public half to the trust file.',
    )
  } catch (error) {
    return fail('signing key', reasonOf(error), 'Make one with "unwind keys generate".')
  }
}
