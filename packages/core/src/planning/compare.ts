/** By code unit: the same on every machine, whatever its locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function byOrder(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
