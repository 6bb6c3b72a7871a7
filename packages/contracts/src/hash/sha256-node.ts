import { hash } from 'node:crypto'

/** SHA-256 of the UTF-8 bytes, lower-case hex: Node's own, some ten times as fast as any in JavaScript. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex')
}
