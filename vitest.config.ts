import { configDefaults, defineConfig } from 'vitest/config'

// Packages are tested from their sources, without a build: their exports map offers those under this condition. The others are
// Vite's own for code that runs on a server; naming one condition replaces the whole list.
const conditions = ['unwind-source', 'module', 'node', 'development|production']

const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
}

// Two cores are what a continuous-integration machine has; a test that measures nothing still must not starve the brokers.
const WORKERS = 2

// A process for each file would load the same modules three hundred times: half of the time that the unit tests take. So a spec
// takes back what it changes of its process, and does not replace modules.
const ISOLATE = false

export default defineConfig({
  ...shared,
  test: {
    reporters: ['default'],
    maxWorkers: WORKERS,
    teardownTimeout: 30_000,
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          isolate: ISOLATE,
          pool: 'forks',
          include: [
            'packages/*/src/**/*.spec.ts',
            'deploy/local/src/**/*.spec.ts',
            'examples/*/src/**/*.spec.ts',
            'test/unit/**/*.spec.ts',
            'scripts/**/*.spec.mjs',
          ],
          exclude: [...configDefaults.exclude, '**/dist/**', '**/*.stack.spec.ts'],
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: 'stack',
          isolate: ISOLATE,
          pool: 'forks',
          include: [
            'test/{integration,e2e,compatibility,security}/**/*.spec.ts',
            // The slice of the conformance suite that needs no server of its own.
            'test/conformance/adapters.spec.ts',
            'packages/*/test/**/*.spec.ts',
            'deploy/local/src/**/*.stack.spec.ts',
            'examples/*/test/**/*.spec.ts',
          ],
          exclude: [...configDefaults.exclude, '**/dist/**'],
          globalSetup: ['test/setup/stack.ts', 'test/setup/mariadb.ts'],
          maxWorkers: WORKERS,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // After the unit tests: a broken core says so before a broker starts.
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: {
          // A slice of `npm run fault`, on servers of its own: it breaks them.
          name: 'fault',
          pool: 'forks',
          include: ['test/fault/**/*.spec.ts'],
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        ...shared,
        test: {
          // Whole: `npm run conformance`. Its slice is part of the project "stack".
          name: 'conformance',
          pool: 'forks',
          include: ['test/conformance/*.spec.ts'],
          globalSetup: ['test/setup/stack.ts', 'test/setup/mariadb.ts'],
          env: { CONFORMANCE: 'full' },
          maxWorkers: WORKERS,
          maxConcurrency: 4,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        ...shared,
        test: {
          // Alone: `npm run security`, `npm run fuzz`. In `npm test` its files are part of the project "stack", with few inputs.
          name: 'security',
          pool: 'forks',
          include: ['test/security/**/*.spec.ts'],
          globalSetup: ['test/setup/stack.ts'],
          maxWorkers: WORKERS,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
