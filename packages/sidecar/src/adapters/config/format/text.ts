import { hashText } from '@unwind/contracts'
import { type Format, FormatError } from './format.js'

/** Anything else: one value, known by its digest, restored as a whole. */
export const text: Format = {
  read: content => new Map([['', JSON.stringify(`sha256:${hashText(content)}`)]]),
  write() {
    throw new FormatError('a file of format "text" has no keys to restore one by one')
  },
  keyOf() {
    throw new FormatError('a file of format "text" has no keys; record versions as files')
  },
}
