import { defineConfig } from 'vitest/config'

/** Pure tests need neither the executable nor Consul, and start at once. */
const PURE = ['test/unit/**/*.test.ts', 'test/contract/in-memory.test.ts', 'test/simulation/**/*.test.ts']

export default defineConfig({
  test: {
    // By default there would be one less than there are processors; most tests wait most of the time.
    maxWorkers: 2,
    reporters: ['default', './test/kit/tally.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'pure', include: PURE } },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: PURE,
          globalSetup: 'test/kit/setup.ts',
        },
      },
    ],
  },
})
