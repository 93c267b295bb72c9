import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that take the most time, the longest first: the last one to begin would keep the whole run waiting. */
export const LONG = [
  'test/slow/hostile-agent.test.ts',
  'test/slow/rights.test.ts',
  'test/slow/scripts/failover-peers.test.ts',
  'test/slow/switchover.test.ts',
  'test/slow/contest-kills.test.ts',
  'test/slow/led/redis.test.ts',
  'test/slow/postgres/following.test.ts',
  'test/slow/rollout-machines.test.ts',
  'test/slow/rollout-fleet.test.ts',
  'test/slow/switch-elections.test.ts',
  'test/slow/switch-incidents.test.ts',
  'test/slow/guardian-matrix.test.ts',
  'test/slow/poor-consul.test.ts',
  'test/slow/library/package.test.ts',
  'test/slow/check.test.ts',
  'test/simulation/leader.test.ts',
  'test/slow/scripts/failover-postgres.test.ts',
  'test/slow/rollout-step.test.ts',
  'test/slow/dashboard/page.test.ts',
  'test/slow/led/postgres.test.ts',
  'test/slow/conformance/conformance.test.ts',
  'test/slow/conformance/handlers.test.ts',
  'test/slow/leader-switchover.test.ts',
  'test/slow/switch-peers.test.ts',
  'test/slow/slots.test.ts',
  'test/slow/history.test.ts',
  'test/integration/rollout.test.ts',
  'test/integration/rollout-step.test.ts',
  'test/integration/wait.test.ts',
  'test/integration/once.test.ts',
]

/** In a fresh clone, where nobody knows yet how long anything takes, vitest would go by size. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((file) => moduleId.endsWith(file))
      return at < 0 ? LONG.length : at
    }
    return sorted.sort((a, b) => (a.project.name === b.project.name ? rank(a) - rank(b) : 0))
  }
}
