import { defineConfig } from 'vitest/config'

/**
 * `mutate.ts` says which tests a mutant meets. Of the simulation it meets few stories: each runs all that it tells of.
 */
export default defineConfig({
  test: {
    isolate: false,
    include: (process.env.MUTANTS_MEET ?? '').split(' '),
    provide: { stories: [0, 0.02] },
    testTimeout: 60_000,
  },
})
