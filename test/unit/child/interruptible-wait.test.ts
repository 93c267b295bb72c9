import { afterEach, describe, expect, test, vi } from 'vitest'
import { aborted } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { Interrupted, unlessInterrupted } from '../../../src/child/interruptible-wait.ts'
import { canBeContinued, type ForwardedSignal } from '../../../src/child/signals.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

afterEach(() => vi.restoreAllMocks())

/** Work that waits, by the means to have it hear of signals. */
function waiting<T>(work: (ctx: Context) => Promise<T>) {
  const listeners = new Set<(signal: ForwardedSignal) => void>()
  const source = {
    listen(receive: (signal: ForwardedSignal) => void) {
      listeners.add(receive)
      return { [Symbol.dispose]: () => void listeners.delete(receive) }
    },
  }
  const outer = new AbortController()
  const ctx = { clock: new VirtualClock(), log: SILENT, signal: outer.signal, random: () => 0 }
  const settled = unlessInterrupted(ctx, source, work)
  const send = (signal: ForwardedSignal) => {
    for (const receive of listeners) receive(signal)
  }
  return { settled, send, outer, listeners }
}

const untilAborted = async ({ signal }: Context) => {
  throw await aborted(signal)
}

describe('a wait', () => {
  test('settles as its work does, and hears of nothing more', async () => {
    const { settled, listeners } = waiting(async () => 7)
    expect(await settled).toBe(7)
    expect(listeners.size).toBe(0)
    const failed = waiting(() => Promise.reject(new Error('no')))
    await expect(failed.settled).rejects.toThrow('no')
    expect(failed.listeners.size).toBe(0)
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGABRT', 'SIGPWR', 'SIGXCPU'] as const)(
    'is ended by %s',
    async (signal) => {
      const { settled, send } = waiting(untilAborted)
      send(signal)
      const ended = await settled
      expect(ended).toBeInstanceOf(Interrupted)
      expect(ended).toMatchObject({ kind: 'interrupted', signal, sentence: `${signal} ended it` })
    },
  )

  test.each(['SIGUSR1', 'SIGWINCH', 'SIGCONT', 'SIGALRM'] as const)('is not ended by %s', async (signal) => {
    const work = Promise.withResolvers<string>()
    const { settled, send } = waiting(({ signal }) => Promise.race([work.promise, aborted(signal)]))
    send(signal)
    work.resolve('done')
    expect(await settled).toBe('done')
  })

  test('is stopped with us, and goes on', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    const work = Promise.withResolvers<string>()
    const { settled, send } = waiting(() => work.promise)
    send('SIGTSTP')
    expect(kill.mock.calls).toEqual(canBeContinued() ? [[process.pid, 'SIGSTOP']] : [])
    work.resolve('done')
    expect(await settled).toBe('done')
  })

  test('that is ended has its work clean up first, unless a second signal hurries it', async () => {
    const cleaned = Promise.withResolvers<never>()
    const tidy = async ({ signal }: Context) => {
      const reason = await aborted(signal)
      await cleaned.promise.catch(() => {})
      throw reason
    }
    const [patient, hurried] = [waiting(tidy), waiting(tidy)]
    let isSettled = false
    void patient.settled.then(() => {
      isSettled = true
    })
    patient.send('SIGTERM')
    hurried.send('SIGTERM')
    hurried.send('SIGINT')
    expect(await hurried.settled).toMatchObject({ signal: 'SIGTERM' })
    expect(isSettled).toBe(false)
    cleaned.reject(new Error('over'))
    expect(await patient.settled).toMatchObject({ signal: 'SIGTERM' })
  })

  test('rejects with what its work does after a signal, and with the reason of whoever else ends it', async () => {
    const failing = waiting(async ({ signal }) => {
      await aborted(signal)
      throw new Error('no')
    })
    failing.send('SIGTERM')
    await expect(failing.settled).rejects.toThrow('no')
    const { settled, outer } = waiting(untilAborted)
    outer.abort('others')
    await expect(settled).rejects.toBe('others')
  })
})
