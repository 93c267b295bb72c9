import { expect, test } from 'vitest'
import { shellWorks } from '../../../src/child/shell-trial.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

test('the shell of this machine works, and no timer is left', async () => {
  const clock = new VirtualClock()
  expect(await shellWorks({ clock, log: SILENT, signal: new AbortController().signal, random: () => 0 })).toBe(true)
  expect(clock.pending).toBe(0)
})

test('a shell that says nothing for five seconds doesn’t work', async () => {
  const clock = new VirtualClock()
  const ctx = { clock, log: SILENT, signal: new AbortController().signal, random: () => 0 }
  const works = shellWorks(ctx)
  await clock.advance(5000)
  // It may have been fast enough all the same.
  expect(clock.pending).toBe(0)
  expect(typeof (await works)).toBe('boolean')
})
