import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // By default there would be one less than there are processors; most tests wait most of the time.
    maxWorkers: 2,
    globalSetup: 'test/kit/setup.ts',
    reporters: ['default', './test/kit/tally.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
})
