import { describe, test } from 'vitest'
import { MODES, type Mode, playMode, refuseMode } from '../kit/guarded-modes.ts'
import { BROKEN, LACKING, play, refuse, SUFFICIENT } from '../kit/guardian-matrix.ts'
import { makesRoots, type RootPlan } from '../kit/small-root.ts'

// The whole table of roots and stories is in guardian-matrix.test.ts.
describe.runIf(makesRoots)('a guardian in a small root', () => {
  test('whose /proc has nothing but processes has a clock, and sees who is left', () =>
    play(
      SUFFICIENT['with a busybox, whose /proc has nothing but processes'] as RootPlan,
      'its runner is killed, and its command ignores TERM',
    ))

  test('that can’t see who is left is asked for nothing: the run ends before it begins, with a hint', async () => {
    for (const lacking of Object.values(LACKING)) await refuse(lacking)
  })

  test('whose shell ends at once is found out before the command starts, and no lock is said to be lost', () =>
    refuse(BROKEN))

  describe.each(Object.keys(MODES) as Mode[])('of %s', (mode) => {
    test('whose /proc has nothing but processes ends what ignores TERM before anybody else may begin', () =>
      playMode(
        mode,
        SUFFICIENT['whose /proc has nothing but processes'] as RootPlan,
        'is killed, and its command ignores TERM',
      ))

    test('that lacks what it needs lets nothing begin, with a hint that helps', () =>
      refuseMode(mode, LACKING['without sed'] as (typeof LACKING)[string]))
  })
})
