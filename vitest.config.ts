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
          pool: 'forks',
          include: [
            'test/{integration,e2e,fault,compatibility,security}/**/*.spec.ts',
            'packages/*/test/**/*.spec.ts',
            'deploy/local/src/**/*.stack.spec.ts',
            'examples/*/test/**/*.spec.ts',
          ],
          exclude: [...configDefaults.exclude, '**/dist/**'],
          globalSetup: ['test/setup/stack.ts'],
          maxWorkers: WORKERS,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // After the unit tests: a broken core says so before a broker starts.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
