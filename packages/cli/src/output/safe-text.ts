/**
 * Text from the log and from servers, made safe for a terminal: control and format characters (terminal escapes,
 * direction overrides) are shown, never obeyed, and a line stays one line.
 */
export function safeText(text: string): string {
  return text
    .replace(/\s*[\r\n]+\s*/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, c =>
      c === '\t' ? ' ' : `\\u{${c.codePointAt(0)?.toString(16)}}`,
    )
}

/** Shortened to at most `width` characters, with an ellipsis where something is missing. */
export function ellipsis(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
