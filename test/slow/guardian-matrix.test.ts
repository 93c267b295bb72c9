import { describe, test } from 'vitest'
import { FATES, MODES, type Mode, playMode, refuseMode } from '../kit/guarded-modes.ts'
import { HOLDER_STORIES, LACKING, play, refuse, SUFFICIENT } from '../kit/guardian-matrix.ts'
import { makesRoots } from '../kit/small-root.ts'

describe.runIf(makesRoots)('never are there two holders, nor is a healthy command ended', () => {
  describe.each(Object.entries(SUFFICIENT))('in a root %s', (_, plan) => {
    const stories = Object.keys(HOLDER_STORIES) as (keyof typeof HOLDER_STORIES)[]
    // A stopped runner buries no dead. To a guardian from which others are hidden they may be somebody else's who live:
    // it leaves the lock to expire, which takes a minute.
    const playable = stories.filter((story) => plan.proc !== 'hidepid=2' || !story.includes('stopped'))
    test.each(playable)('when %s', (story) => play(plan, story))
  })

  test.each(Object.entries(LACKING))('and nothing begins in a root %s', (_, lacking) => refuse(lacking))

  describe.each(Object.keys(MODES) as Mode[])('under %s', (mode) => {
    describe.each(Object.entries(SUFFICIENT))('in a root %s', (_, plan) => {
      test.each(FATES)('that %s', (fate) => playMode(mode, plan, fate))
    })

    test.each(Object.entries(LACKING))('and nothing begins in a root %s', (_, lacking) => refuseMode(mode, lacking))
  })
})
