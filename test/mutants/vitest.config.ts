import { defineConfig } from 'vitest/config'

/** The pure tests that are about what is mutated; a few stories of the simulation, for every mutant meets all of them. */
export default defineConfig({
  test: {
    isolate: false,
    include: ['test/unit/{child,leader,lock,run,switchover}/**/*.test.ts', 'test/simulation/**/*.test.ts'],
    provide: { stories: [0, 0.02] },
    // Stories of leaders and herds take the most time, and find nothing that the others don't.
    exclude: ['test/simulation/{leader,herd}.test.ts'],
    testTimeout: 60_000,
  },
})
