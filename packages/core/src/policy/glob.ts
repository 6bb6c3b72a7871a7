/** Whether a name fits a pattern in which each "*" stands for any characters, also none. Linear; no regular expression. */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return pattern === name
  const first = parts[0]!
  const last = parts.at(-1)!
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false
  const end = name.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

export function matchesAny(patterns: readonly string[], name: string): string | null {
  return patterns.find(pattern => matchesGlob(pattern, name)) ?? null
}
