import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { KEY_PREFIX, SLOTS_LIST } from '../lock/lock-keys.ts'
import { knownRuns } from '../run/history/known-runs.ts'
import type { RunEntry } from '../run/history/runs-record.ts'
import type { LockView } from './lock-view.ts'

/** All runs under a lock that are recorded, the newest last; `unreadable` when what stands there is no history. */
export async function lockHistory(
  ctx: Context,
  consul: Consul,
  lock: Pick<LockView, 'key'>,
): Promise<readonly RunEntry[] | 'unreadable'> {
  try {
    return (await knownRuns(ctx, consul, namedKey(lock))).ended
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'malformed') return 'unreadable'
    throw thrown
  }
}

/** The key beside which a lock's history stands: that of its name, also where it has slots. */
function namedKey({ key }: Pick<LockView, 'key'>): string {
  return key.startsWith(KEY_PREFIX) && key.endsWith(SLOTS_LIST) ? key.slice(0, -SLOTS_LIST.length) : key
}
