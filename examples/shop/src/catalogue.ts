/** What the shop sells, and for how much. "sold-out" has no stock: ordering it fails at the stock system. */
export const PRICES_CENTS = {
  lamp: 3_900,
  chair: 8_900,
  desk: 24_900,
  shelf: 5_900,
  rug: 12_900,
  'sold-out': 1_000,
} as const
export type Sku = keyof typeof PRICES_CENTS
export const AVAILABLE: readonly Sku[] = ['lamp', 'chair', 'desk', 'shelf', 'rug']
export const CUSTOMERS = 8
