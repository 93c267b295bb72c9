import { defineConfig } from 'vitest/config'
import LongestFirst from './test/kit/longest-first.ts'

/** Pure tests need neither the executable nor Consul, and start at once. */
const PURE = [
  'test/unit/**/*.test.ts',
  'test/structure/{architecture,comments,documents,kv-layout,mirror,mutants,names,pages,safety,side-by-side,troubleshooting,upgrading}.test.ts',
  'test/contract/in-memory.test.ts',
  'test/simulation/**/*.test.ts',
]
/** What is slow and rare: `npm run test:slow`. */
const SLOW = ['test/slow/**/*.test.ts']
/** And what is of interest only before a release: `npm run test:release`. */
const RELEASE = ['test/slow/release/**/*.test.ts', 'test/slow/library/nodes.test.ts']
const RELEASE_ONLY = ['test/slow/release/whole/*.test.ts']
/** The library is tried on the oldest Node that will do, and then on the newest of each of these: 884 MB. */
const NODES = ['20', '22', '24', '26']
/** Their first stories are told with the pure tests, and the others there. */
const STORIES = ['test/simulation/{crowd,kept-slots,leader,pause,periods,programs,simulation,slots}.test.ts']
const FIRST_STORIES = 0.1

const project = (name: string, settings: object) => ({ extends: true as const, test: { name, ...settings } })
const globalSetup = 'test/kit/setup.ts'
const setupFiles = 'test/kit/each-file.ts'

export default defineConfig({
  test: {
    // By default there would be one less than there are processors; but most tests wait most of the time, for a TTL.
    maxWorkers: 6,
    // Of those within a file that may run beside each other; each has processes of its own.
    maxConcurrency: 4,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/kit/tally.ts'],
    testTimeout: 60_000,
    // A condition may come late on a busy machine; a second, the default, is a flake.
    expect: { poll: { timeout: 20_000, interval: 50 } },
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    projects: [
      // They leave nothing behind, so that one process may run many files: a third of the work.
      project('pure', { include: PURE, isolate: false, provide: { stories: [0, FIRST_STORIES] } }),
      project('real', { include: ['test/**/*.test.ts'], exclude: [...PURE, ...SLOW], globalSetup, setupFiles }),
      project('slow', {
        include: [...SLOW, ...STORIES],
        exclude: RELEASE_ONLY,
        globalSetup,
        setupFiles,
        testTimeout: 600_000,
        provide: { stories: [FIRST_STORIES, 1], newerNodes: [] },
      }),
      project('release', {
        include: RELEASE,
        globalSetup,
        setupFiles,
        testTimeout: 1_200_000,
        provide: { newerNodes: NODES },
      }),
    ],
  },
})
