import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import { ALL_PAUSED_KEY, pauseKeyOf } from '../../lock/lock-keys.ts'
import { runsKey } from '../../run/history/runs-record.ts'
import type { ExaminedLock } from '../examined-system.ts'
import { deniedAmong, type WantedKey } from '../rights/key-trial.ts'

/** The key by which a lock is paused, and beside which its history stands. */
export function plainKeyOf({ key, marker }: Pick<ExaminedLock, 'key' | 'marker'>): string {
  return marker ?? key
}

/** What a run writes and reads beside its lock. */
export function keysOfRun(lock: ExaminedLock): Record<'lock' | 'queue' | 'history' | 'pause', readonly WantedKey[]> {
  const { key, marker, isShared } = lock
  const plain = plainKeyOf(lock)
  const some = 'doctor'
  return {
    lock: [
      { key, policy: 'write' },
      ...(marker === undefined ? [] : [{ key: marker, policy: 'write' } as const]),
      ...(lock.slots === undefined ? [] : [{ key: `${key.replace(/[^/]*$/, '')}${some}`, policy: 'write' } as const]),
      ...(isShared ? [{ key: `${key}=shared/${some}`, policy: 'write' } as const] : []),
    ],
    queue: [
      { key: `${key}=queue`, policy: 'write' },
      { key: `${key}=queue/${some}`, policy: 'write' },
    ],
    history: [{ key: runsKey(plain), policy: 'write' }],
    pause: [
      { key: pauseKeyOf(plain), policy: 'read' },
      { key: ALL_PAUSED_KEY, policy: 'read' },
    ],
  }
}

const trials = new WeakMap<ExaminedLock, Promise<WantedKey[]>>()

/** Which of the keys that a run uses the token may not have; asked once. */
export function deniedKeys(ctx: Context, consul: Consul, lock: ExaminedLock): Promise<WantedKey[]> {
  const known = trials.get(lock)
  if (known) return known
  const { lock: own, queue, history, pause } = keysOfRun(lock)
  const trial = deniedAmong(ctx, consul, [...own, ...queue, ...history, ...pause] as [WantedKey, ...WantedKey[]])
  trials.set(lock, trial)
  return trial
}
