import picocolors from 'picocolors'

export type Tone = 'good' | 'bad' | 'warn' | 'info' | 'dim' | 'plain'

export interface Palette {
  readonly enabled: boolean
  tone(tone: Tone, text: string): string
  bold(text: string): string
  /** The same colour for the same system, in every view and every run. */
  system(name: string, text?: string): string
}

type Colours = ReturnType<typeof picocolors.createColors>

/** Colours when the stream is a terminal. NO_COLOR (any value) turns them off, FORCE_COLOR on; NO_COLOR wins. */
export function paletteFor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Palette {
  const no = (env.NO_COLOR ?? '') !== ''
  const force = (env.FORCE_COLOR ?? '') !== '' && env.FORCE_COLOR !== '0'
  return palette(!no && (force || (stream.isTTY === true && env.TERM !== 'dumb')))
}

export function palette(enabled: boolean): Palette {
  const colours = picocolors.createColors(enabled)
  const tones: Record<Tone, (text: string) => string> = {
    good: colours.green,
    bad: colours.red,
    warn: colours.yellow,
    info: colours.cyan,
    dim: colours.dim,
    plain: text => text,
  }
  return {
    enabled,
    tone: (tone, text) => tones[tone](text),
    bold: text => colours.bold(text),
    system: (name, text = name) => systemColour(colours, name)(text),
  }
}

/** Not red, yellow or green: those say how it went. */
function systemColour(colours: Colours, name: string): (text: string) => string {
  const wheel = [
    colours.cyan,
    colours.magenta,
    colours.blue,
    colours.cyanBright,
    colours.magentaBright,
    colours.blueBright,
  ] as const
  let hash = 0
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) >>> 0
  return wheel[hash % wheel.length]!
}
