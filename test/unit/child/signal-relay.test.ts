import { expect, test } from 'vitest'
import { SignalRelay } from '../../../src/child/signal-relay.ts'
import type { ForwardedSignal } from '../../../src/child/signals.ts'

/** A relay, and what its child is told. */
function relay() {
  const told: string[] = []
  let hear: ((signal: ForwardedSignal) => void) | undefined
  const source = {
    listen(listener: (signal: ForwardedSignal) => void) {
      hear = listener
      return {
        [Symbol.dispose]() {
          hear = undefined
        },
      }
    },
  }
  const one = new SignalRelay(source)
  const child = {
    exited: new Promise<never>(() => {}),
    group: 4711,
    forward: (signal: ForwardedSignal) => void told.push(signal),
    kill: () => void told.push('kill'),
    async emptied() {},
    stop: async () => true,
  }
  const send = (...signals: ForwardedSignal[]) => {
    for (const signal of signals) hear?.(signal)
  }
  return { one, child, told, send }
}

test('signals that come before the command runs wait for it, in their order', () => {
  const { one, child, told, send } = relay()
  send('SIGHUP', 'SIGTERM')
  expect(told).toEqual([])
  one.to(child)
  send('SIGUSR1')
  expect(told).toEqual(['SIGHUP', 'SIGTERM', 'SIGUSR1'])
})

test.each([
  [
    ['SIGTERM', 'SIGTERM'],
    ['SIGTERM', 'kill'],
  ],
  [
    ['SIGINT', 'SIGTERM'],
    ['SIGINT', 'kill'],
  ],
  [
    ['SIGTERM', 'SIGINT', 'SIGINT'],
    ['SIGTERM', 'kill', 'kill'],
  ],
  [
    ['SIGHUP', 'SIGHUP', 'SIGTERM'],
    ['SIGHUP', 'SIGHUP', 'SIGTERM'],
  ],
  [
    ['SIGTERM', 'SIGHUP'],
    ['SIGTERM', 'SIGHUP'],
  ],
] as const)('a second INT or TERM kills, and no other signal does: %j', (signals, expected) => {
  const { one, child, told, send } = relay()
  one.to(child)
  send(...signals)
  expect(told).toEqual(expected)
})

test('a relay that is disposed of passes on nothing', () => {
  const { one, child, told, send } = relay()
  one.to(child)
  one[Symbol.dispose]()
  send('SIGTERM')
  expect(told).toEqual([])
})
