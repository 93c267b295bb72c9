import { defineConfig } from 'vitest/config'

/** Pure tests need neither the executable nor Consul, and start at once. */
const PURE = ['test/unit/**/*.test.ts', 'test/contract/in-memory.test.ts', 'test/simulation/**/*.test.ts']
/** What is slow and rare: `npm run test:slow`. */
const SLOW = ['test/slow/**/*.test.ts']

const project = (name: string, settings: object) => ({ extends: true as const, test: { name, ...settings } })
const globalSetup = 'test/kit/setup.ts'

export default defineConfig({
  test: {
    // By default there would be one less than there are processors; most tests wait most of the time.
    maxWorkers: 2,
    reporters: ['default', './test/kit/tally.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    projects: [
      project('pure', { include: PURE }),
      project('real', { include: ['test/**/*.test.ts'], exclude: [...PURE, ...SLOW], globalSetup }),
      project('slow', { include: SLOW, globalSetup, testTimeout: 600_000 }),
    ],
  },
})
