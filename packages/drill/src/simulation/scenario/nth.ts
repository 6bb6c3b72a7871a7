/** A number stands for one of the items, however many there are. */
export function nth<T>(items: readonly T[], which: number): T {
  return items[which % items.length]!
}
