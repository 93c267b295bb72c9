import { KEPT_MARK } from '../run/release-request.ts'
import { givenOptions } from './given.ts'
import type { Lock } from './held.ts'
import { obtain } from './obtain.ts'
import { GIVEN_LOCK_OPTIONS, type LockOptions } from './options.ts'
import { PROCESS } from './surroundings.ts'

/**
 * Waits for a lock and takes it: `await using lock = await acquire('report')` gives it back at the end of the block.
 * Rejects with a {@link ConsulLockerError}, or with the reason of `options.signal`; then nothing of it is left at
 * Consul.
 *
 * The process lives as long as it has the lock, or waits for it.
 */
export async function acquire(name: string, options: LockOptions = {}): Promise<Lock> {
  const given = givenOptions('acquire', GIVEN_LOCK_OPTIONS, options)
  const { lock } = await obtain(PROCESS, name, given, { more: KEPT_MARK, prepare: (_, request) => request })
  return lock
}
