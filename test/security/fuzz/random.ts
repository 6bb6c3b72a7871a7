/** Numbers that a seed repeats: what a failure prints is enough to see it again. */
export class Random {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to 1, 1 excluded (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `below`, which is excluded. */
  below(below: number): number {
    return Math.floor(this.next() * below)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  /** Text that goes wrong where it is not treated as text. */
  text(): string {
    return this.pick([
      () => this.pick(NASTY),
      () => this.pick(NASTY) + this.pick(NASTY),
      () => this.bytes(this.below(40)).toString('latin1'),
      () => this.pick(['x', '/', '%', '[', 'ä', '"']).repeat(1 + this.below(3_000)),
      () => String(this.pick([0, -1, 2 ** 53, 1e308, Number.NaN, '0x7f', '1e9'])),
    ])()
  }
}

export const NASTY: readonly string[] = [
  '',
  ' ',
  '\u0000',
  '\r\nx-injected: 1',
  '\n{"level":"error","message":"forged"}',
  '\u001b[2J\u001b[31m',
  "'; DROP TABLE unwind.effect; --",
  '$(touch /tmp/pwned)',
  '`id`',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  'file:///etc/passwd',
  'http://169.254.169.254/latest/meta-data/',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '$' + '{jndi:ldap://127.0.0.1/x}',
  '{{7*7}}',
  '%s%s%s%n',
  '<script>alert(1)</script>',
  '\ud800',
  '\u202e',
  '\ufeff',
  'a'.repeat(513),
  'true',
  'null',
  'undefined',
  '[object Object]',
  '-0',
  'unwind.RollbackRequested.v1',
  'unwind.RollbackRequested.v999999',
]
