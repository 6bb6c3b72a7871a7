import { fileURLToPath } from 'node:url'

/** One level above src/ and dist/ alike. */
const CONTRACTS = new URL('../contracts/', import.meta.url)

export const SHOP_SYSTEMS = ['orders', 'stock', 'payments', 'loyalty'] as const
export type ShopSystem = (typeof SHOP_SYSTEMS)[number]

/** Path of a system's contract file. Its variables are what `Shop.environment()` gives. */
export function contractFile(system: ShopSystem): string {
  return fileURLToPath(new URL(`${system}.yaml`, CONTRACTS))
}
