/** Shorter values would cut holes into ordinary words, and are no secrets that hold. */
const SHORTEST = 4

/** What programs print of secrets that nobody declared: passwords in URLs, bearer tokens, assignments. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/gi, '$1:[redacted]@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [redacted]'],
  [
    /\b((?:[\w-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|credential)[\w-]*)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;]+)/gi,
    '$1[redacted]',
  ],
]

/** Takes secrets out of what a program says, before it goes to the ledger, which keeps everything for ever. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // Texts are redacted line by line. The longest first: a secret may begin with another one.
  const lines = secrets.flatMap(value => [value, ...value.split(/\r?\n/)])
  const known = lines.filter(value => value.length >= SHORTEST).sort((a, b) => b.length - a.length)
  return text => {
    const without = known.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
    return PATTERNS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), without)
  }
}
