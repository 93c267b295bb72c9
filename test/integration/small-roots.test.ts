import { describe, test } from 'vitest'
import { LACKING, play, refuse, SUFFICIENT } from '../kit/guardian-matrix.ts'
import { makesRoots, type RootPlan } from '../kit/small-root.ts'

// The whole table of roots and stories is among the slow tests.
describe.runIf(makesRoots)('a guardian in a small root', () => {
  test('whose /proc has nothing but processes has a clock, and sees who is left', () =>
    play(
      SUFFICIENT['with a busybox, whose /proc has nothing but processes'] as RootPlan,
      'its runner is killed, and its command ignores TERM',
    ))

  test('that can’t see who is left is asked for nothing: the run ends before it begins, with a hint', async () => {
    for (const lacking of Object.values(LACKING)) await refuse(lacking)
  })
})
