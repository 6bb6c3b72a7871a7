/** One figure, printed as one line of JSON. `ratio` is value / reference.value. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly reference: { readonly name: string; readonly value: number } | null
}

/** Three significant digits or whole numbers: more would pretend to a precision that these machines do not have. */
function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}

export function formatFigure({ name, value, unit, reference }: Figure): string {
  const ratio = reference === null || reference.value === 0 ? null : rounded(value / reference.value)
  const against = reference === null ? null : { name: reference.name, value: rounded(reference.value) }
  return JSON.stringify({ name, value: rounded(value), unit, reference: against, ratio })
}
