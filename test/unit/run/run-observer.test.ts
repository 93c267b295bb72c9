import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { allOf, type RunObserver } from '../../../src/run/run-observer.ts'
import { won } from '../../virtual/virtual-lock.ts'
import { virtualRun } from '../../virtual/virtual-run.ts'

/** Writes down what an observer hears. */
function recorder() {
  const heard: string[] = []
  const observer: RunObserver = {
    waiting: (sentence) => void heard.push(`waiting: ${sentence}`),
    acquired: ({ fence }) => void heard.push(`acquired: ${typeof fence}`),
    started: () => void heard.push('started'),
    renewed: () => void heard.push('renewed'),
    lost: ({ kind }) => void heard.push(`lost: ${kind}`),
    ended: () => void heard.push('ended'),
    released: (isBack) => void heard.push(`released: ${isBack}`),
    finished: (end) => void heard.push(`finished: ${end instanceof Failure ? end.code : end.outcome.kind}`),
  }
  return { heard, observer }
}

describe('an observer hears', () => {
  test('the phases of a run, in their order', async () => {
    const { clock, begin, exit } = virtualRun()
    const { heard, observer } = recorder()
    const running = begin({ dependencies: { observer: allOf([observer]) } })
    await clock.advance(15_000)
    exit({ code: 3 })
    await clock.run(running)
    expect(heard).toEqual(['acquired: number', 'started', 'renewed', 'ended', 'released: true', 'finished: ran'])
  })

  test('what a run waits for, and that it came to nothing', async () => {
    const lab = virtualRun()
    await lab.clock.run(lab.acquire())
    const { heard, observer } = recorder()
    await lab.clock.run(lab.begin({ about: { waitMs: 5000 }, dependencies: { observer } }))
    expect(heard).toEqual(['waiting: waiting for virtual: held by here', 'finished: busy'])
  })

  test('a loss when the command has been told to end', async () => {
    const lab = virtualRun()
    const { heard, observer } = recorder()
    const running = lab.begin({ dependencies: { observer } })
    await lab.clock.advance(1000)
    lab.loseGuardian()
    await lab.clock.run(running)
    expect(heard.slice(2)).toEqual(['lost: unguarded', 'ended', 'released: true', 'finished: lost'])
  })

  test('no end of a command that lives on, and no release', async () => {
    const lab = virtualRun()
    const { heard, observer } = recorder()
    const running = lab.begin({ isKillable: false, dependencies: { observer } })
    await lab.clock.advance(1000)
    lab.loseGuardian()
    await lab.clock.run(running)
    expect(heard.slice(2)).toEqual(['lost: unguarded', 'released: false', 'finished: lost'])
  })

  test('renewals while the lock is kept for what comes after the command', async () => {
    const lab = virtualRun()
    const { heard, observer } = recorder()
    const releaseGates = () =>
      new Promise<readonly string[]>((resolve) => void lab.clock.after(12_000, () => resolve([])))
    lab.exit({ code: 0 })
    await lab.clock.run(lab.begin({ dependencies: { observer, releaseGates } }))
    expect(heard).toEqual(['acquired: number', 'started', 'renewed', 'ended', 'released: true', 'finished: ran'])
  })

  test('no start of a command that could not be started', async () => {
    const lab = virtualRun()
    const { heard, observer } = recorder()
    lab.loseGuardian()
    await expect(lab.clock.run(lab.begin({ dependencies: { observer } }))).rejects.toThrow('guardian')
    expect(heard).toEqual(['acquired: number', 'ended', 'released: true', 'finished: usage'])
  })

  test('the failure of a run that never had the lock', async () => {
    const lab = virtualRun()
    const { heard, observer } = recorder()
    lab.meet(() => ({ fault: { kind: 'refused' } }))
    await expect(lab.clock.run(lab.begin({ about: { waitMs: 0 }, dependencies: { observer } }))).rejects.toThrow()
    expect(heard).toEqual(['finished: unreachable'])
  })
})

test('an observer may hear nothing of all that', async () => {
  const lab = virtualRun()
  const other = won(await lab.clock.run(lab.acquire()))
  const running = lab.begin({ dependencies: { observer: {} } })
  await lab.clock.advance(1000)
  await lab.clock.run(lab.release(other))
  await lab.clock.advance(30_000)
  lab.loseGuardian()
  expect(await lab.clock.run(running)).toMatchObject({ outcome: { kind: 'lost' } })
})

test('observers are told one after the other, and all of them are waited for', async () => {
  const told: string[] = []
  const later = Promise.withResolvers<void>()
  const all = allOf([
    { started: () => void told.push('one'), settled: () => later.promise },
    { lost: () => void told.push('never') },
    { started: () => void told.push('other') },
  ])
  all.started?.()
  expect(told).toEqual(['one', 'other'])
  const settled = all.settled?.(virtualRun().ctx).then(() => told.push('settled'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(told).not.toContain('settled')
  later.resolve()
  await settled
  expect(told).toContain('settled')
})
