import { type Bar, EMPTY_SCENE, type LockRow, type Scene } from '../../../src/dashboard/scene.ts'

/** A lock that nobody holds, but for what is given. */
export function lock(name: string, about: Partial<LockRow> = {}): LockRow {
  const none = { holders: [], holding: 0, waiters: [], waiting: 0, bars: [] }
  return { key: `consul-locker-${name}`, name, kind: 'lock', state: 'free', limit: 1, ...none, ...about }
}

export function held(name: string, host: string, sinceMs: number): LockRow {
  const holder = { session: `session of ${host}`, host, sinceMs, fence: 7, isKept: false, others: [], command: './run' }
  return lock(name, { state: 'held', holders: [holder], holding: 1 })
}

export function bar(state: Bar['state'], startMs: number, endMs?: number): Bar {
  return { id: `${startMs}`, host: 'web1', startMs, state, how: state, ...(endMs !== undefined && { endMs }) }
}

export function scene(...locks: readonly LockRow[]): Scene {
  return { ...EMPTY_SCENE, isKnown: true, locks }
}
