import { defineConfig } from 'vitest/config'

/** `mutate.ts` says which tests a mutant meets. */
export default defineConfig({
  test: {
    isolate: false,
    include: (process.env.MUTANTS_MEET ?? '').split(' '),
    testTimeout: 60_000,
    // As in vitest.config.ts.
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
})
