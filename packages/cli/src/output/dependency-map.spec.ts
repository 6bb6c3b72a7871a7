import { expect, test } from 'vitest'
import { dependencyMap, type MappedSystem } from './dependency-map.js'

const system = (name: string, ...dependsOn: string[]): MappedSystem => ({
  system: name,
  dependsOn,
  about: `postgres, team ${name}`,
})
const shop = [
  system('orders'),
  system('stock', 'orders'),
  system('payments', 'orders', 'ledger'),
  system('loyalty', 'payments', 'stock'),
]

test('as a tree it begins with what is undone first, and says what nobody has a contract for', () => {
  expect(dependencyMap(shop, 'text')).toBe(`loyalty (postgres, team loyalty)
├─ payments (postgres, team payments)
│  ├─ ledger (no contract)
│  └─ orders (postgres, team orders)
└─ stock (postgres, team stock)
   └─ orders (postgres, team orders)
`)
})

test('a branch is drawn once, and a circle ends where it closes', () => {
  const knot = [system('a', 'b'), system('b', 'c'), system('c', 'b'), system('z', 'b')]
  expect(dependencyMap(knot, 'text')).toBe(`a (postgres, team a)
└─ b (postgres, team b)
   └─ c (postgres, team c)
      └─ b (postgres, team b) (a circle: the planner breaks it)
z (postgres, team z)
└─ b (postgres, team b) (see above)
`)
  expect(dependencyMap([system('a', 'b'), system('b', 'a')], 'text')).toContain('a circle')
})

test('for Mermaid', () => {
  expect(dependencyMap(shop.slice(0, 2), 'mermaid')).toBe(`flowchart LR
  s0["orders (postgres, team orders)"]
  s1["stock (postgres, team stock)"]
  s1 --> s0
`)
})

test('for Graphviz', () => {
  expect(dependencyMap(shop.slice(0, 2), 'dot')).toBe(`digraph systems {
  rankdir=LR;
  node [shape=box];
  "orders" [label="orders (postgres, team orders)"];
  "stock" [label="stock (postgres, team stock)"];
  "stock" -> "orders";
}
`)
})

test('words of others do not break out of their place', () => {
  const hostile = [{ system: 'a', dependsOn: [], about: 'x"];\n evil --> a["\u001b[31m' }]
  expect(dependencyMap(hostile, 'mermaid').split('\n')).toHaveLength(3)
  expect(dependencyMap(hostile, 'mermaid')).not.toContain('x"]')
  expect(dependencyMap(hostile, 'dot').split('\n')).toHaveLength(6)
  expect(dependencyMap(hostile, 'text')).not.toContain('\u001b')
})
