import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { ProcessGroup } from '../../../src/child/process-group.ts'
import { processesWith, runs, stateOf } from '../../kit/processes.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { begun } from './begun.ts'

const CTX = { clock: systemClock, log: SILENT, signal: new AbortController().signal, random: () => 0 }
const NO_TRACES = { marker: undefined, cgroup: undefined }
const LONG_MS = 60_000
const WHILE = { timeout: 20_000 }
const STUBBORN = 'trap "" TERM; echo begun; while :; do sleep 0.05; done'
const PLAIN = 'echo begun; exec sleep 600'

describe('a process group', () => {
  test.each([0, 1, -5, 1.5, Number.NaN])('is never the one of the id %d', (id) => {
    expect(() => new ProcessGroup(id, NO_TRACES)).toThrow('a signal to the group 0 or 1')
  })

  test('takes a signal while there is somebody, and says when there is nobody', async () => {
    const { child, group, ended } = await begun(PLAIN)
    const it = new ProcessGroup(group, NO_TRACES)
    expect(it.signal(0)).toBe(true)
    expect(it.signal('SIGUSR1')).toBe(true)
    await ended
    expect(child.signalCode).toBe('SIGUSR1')
    expect(it.signal('SIGUSR1')).toBe(false)
  })

  test('is stopped by TERM, without a wait for the grace', async () => {
    const { child, group, ended } = await begun(PLAIN)
    expect(await new ProcessGroup(group, NO_TRACES).stop(CTX, LONG_MS)).toBe(true)
    await ended
    expect(child.signalCode).toBe('SIGTERM')
  })

  test('has its grace to end in', async () => {
    const { child, group, ended } = await begun(
      'trap "sleep 0.3; exit 7" TERM; echo begun; while :; do sleep 0.05; done',
    )
    expect(await new ProcessGroup(group, NO_TRACES).stop(CTX, LONG_MS)).toBe(true)
    await ended
    expect(child.exitCode).toBe(7)
  })

  test('takes a signal with all that are in it', async () => {
    const mark = crypto.randomUUID()
    const { group, ended } = await begun('sleep 600 & echo begun; wait', { MARK: mark })
    await vi.waitFor(() => expect(processesWith(mark)).toHaveLength(2), WHILE)
    new ProcessGroup(group, NO_TRACES).signal('SIGTERM')
    await ended
    await vi.waitFor(() => expect(processesWith(mark)).toEqual([]), WHILE)
  })

  test('is stopped by another signal, if that is wanted', async () => {
    const { child, group, ended } = await begun(PLAIN)
    expect(await new ProcessGroup(group, NO_TRACES).stop(CTX, LONG_MS, 'SIGINT')).toBe(true)
    await ended
    expect(child.signalCode).toBe('SIGINT')
  })

  test('that ignores TERM is killed when the grace is over', async () => {
    const { child, group, ended } = await begun(STUBBORN)
    expect(await new ProcessGroup(group, NO_TRACES).stop(CTX, 100)).toBe(true)
    await ended
    expect(child.signalCode).toBe('SIGKILL')
  })

  test('that was stopped is continued, so that it can take the signal', async () => {
    const { child, group, ended } = await begun(PLAIN)
    process.kill(-group, 'SIGSTOP')
    await vi.waitFor(() => expect(stateOf(group)).toBe('T'), WHILE)
    expect(await new ProcessGroup(group, NO_TRACES).stop(CTX, LONG_MS)).toBe(true)
    await ended
    expect(child.signalCode).toBe('SIGTERM')
  })

  test('is left to itself for as long as one of it runs, and no longer', async () => {
    const { child, group, ended } = await begun('sleep 600 & echo begun; wait')
    let isEmpty = false
    const emptied = new ProcessGroup(group, NO_TRACES).emptied(CTX).then(() => {
      isEmpty = true
    })
    child.kill('SIGKILL')
    await ended
    expect(isEmpty).toBe(false)
    process.kill(-group, 'SIGKILL')
    await emptied
    expect(isEmpty).toBe(true)
  })
})

describe('what has left the group', () => {
  /** A group, and a daemon of it in a session of its own, by the marker that both carry. */
  async function withDaemon(itsTrap = 'true') {
    const marker = `CONSUL_LOCKER_MARK=${crypto.randomUUID()}`
    const [name = '', value] = marker.split('=')
    const { group } = await begun(`setsid sh -c '${itsTrap}; echo begun; exec sleep 600' & exec sleep 600`, {
      [name]: value,
    })
    const daemons = () => processesWith(marker).filter((pid) => pid !== group)
    onTestFinished(() => daemons().forEach((pid) => void process.kill(pid, 'SIGKILL')))
    await vi.waitFor(() => expect(daemons()).toHaveLength(1), WHILE)
    return { marker, group, daemons }
  }

  test('is ended with it by its marker', async () => {
    const { marker, group, daemons } = await withDaemon()
    expect(await new ProcessGroup(group, { marker, cgroup: undefined }).stop(CTX, LONG_MS)).toBe(true)
    expect(daemons()).toEqual([])
    expect(runs(group)).toBe(false)
  })

  test('is killed with it when it ignores TERM', async () => {
    const { marker, group, daemons } = await withDaemon('trap "" TERM')
    expect(await new ProcessGroup(group, { marker, cgroup: undefined }).stop(CTX, 100)).toBe(true)
    expect(daemons()).toEqual([])
  })

  test('is left alone without a marker', async () => {
    const { group, daemons } = await withDaemon()
    expect(await new ProcessGroup(group, NO_TRACES).stop(CTX, LONG_MS)).toBe(true)
    expect(daemons()).toHaveLength(1)
  })
})
