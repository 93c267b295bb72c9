import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../../../consul/kv.ts'
import { describeHolder } from '../../../lock/holder-record.ts'
import { isLock, KEY_PREFIX } from '../../../lock/lock-keys.ts'
import { whyNoLock } from '../../../overview/standing.ts'
import type { PauseTarget } from './pause-target.ts'

const SHOWN = 20

/**
 * A line for each lock that is held now, and isn't touched by its pause: of all locks, those with keys of their own are
 * not to be found. What the token may not read costs a notice.
 */
export async function holderLines(ctx: Context, consul: Consul, { lockKey }: PauseTarget): Promise<string[]> {
  const entries = await readLocks(ctx, consul, lockKey)
  const held = entries.filter((entry) => entry.session !== undefined && isLock(entry))
  const noLocks = lockKey === undefined ? [] : entries.flatMap((entry) => whyNoLock(entry) ?? [])
  for (const why of noLocks) ctx.log.notice(`it is no lock, and nobody gets one there: ${why}`)
  const nowMs = ctx.clock.now().wallMs
  const lines = held.map(({ key, value }) => `${nameOfKey(key)} goes on: ${describeHolder(value, nowMs)}`)
  const more = lines.length - SHOWN
  return more > 0 ? [...lines.slice(0, SHOWN), `and ${more} more go on`] : lines
}

async function readLocks(ctx: Context, consul: Consul, lockKey: string | undefined): Promise<Entry[]> {
  try {
    if (lockKey === undefined) {
      const entries = await readKeys(ctx, consul, KEY_PREFIX)
      return entries.filter(({ key }) => !key.includes('='))
    }
    const { entry } = await readKey(ctx, consul, lockKey, { consistent: true, rights: 'read' })
    return entry ? [entry] : []
  } catch (thrown) {
    if (!(thrown instanceof Failure) || !['refused', 'too-large'].includes(thrown.code)) throw thrown
    ctx.log.notice(`who holds a lock now can't be told: ${thrown.message}`)
    return []
  }
}

function nameOfKey(key: string): string {
  return key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : key
}
