/** Characters of a contract; a large one has some thousands. */
const MAX_LENGTH = 128 * 1024
/** Lists and mappings inside one another; contracts have about ten. */
const MAX_DEPTH = 64
/** Keys of a contract: the YAML reader compares each with all before it in its mapping. */
const MAX_KEYS = 4_000

/**
 * What makes a text too costly to be read as a contract, told without reading it: the YAML reader takes minutes for a hundred
 * kilobytes of opening brackets, and a contract comes from whoever holds a sidecar's key.
 * @returns null when there is no excess.
 */
export function excess(text: string): string | null {
  if (text.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters: no contract needs that`
  let depth = 0
  let keys = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '[' || char === '{') depth++
    else if (char === ']' || char === '}') depth = Math.max(0, depth - 1)
    else if (char === ':') keys++
    if (depth > MAX_DEPTH) return `has more than ${MAX_DEPTH} brackets open at once: no contract needs that`
  }
  if (keys > MAX_KEYS) return `has more than ${MAX_KEYS} colons: no contract has so many keys`
  return deepestIndent(text) > MAX_DEPTH * 8
    ? `is indented by more than ${MAX_DEPTH * 8} columns: no contract needs that`
    : null
}

/** Block collections nest by indentation, also within one line ("- - - x"). */
function deepestIndent(text: string): number {
  let deepest = 0
  let indent = 0
  let leading = true
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '\n') {
      indent = 0
      leading = true
    } else if (leading && (char === ' ' || char === '-' || char === '?')) {
      deepest = Math.max(deepest, ++indent)
    } else leading = false
  }
  return deepest
}
