import { defineConfig } from 'vitest/config'

/** `mutate.ts` says which of these a mutant meets. Of the simulation it meets few stories: each runs all that it tells of. */
export default defineConfig({
  test: {
    isolate: false,
    include: ['test/unit/**/*.test.ts', 'test/simulation/**/*.test.ts'],
    provide: { stories: [0, 0.02] },
    testTimeout: 60_000,
  },
})
