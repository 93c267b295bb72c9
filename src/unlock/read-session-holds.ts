import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKeys } from '../consul/kv.ts'
import { readSession, type SessionInfo } from '../consul/session-info.ts'
import { KEY_PREFIX } from '../lock/lock-keys.ts'
import type { HolderView, LockView } from '../overview/lock-view.ts'
import { readLocks } from '../overview/read-locks.ts'
import { isUnseen } from '../overview/unseen-by-token.ts'
import { keeperOf, type SessionHold, sessionHoldKey } from './session-hold.ts'

/** So many sessions are asked after at a time. */
const AT_ONCE = 20

/** Which locks are meant. */
export interface LocksMeant {
  /** All locks whose keys begin so, beside those with a name and those of leaders. */
  readonly prefixes: readonly string[]
  isMeant(lock: LockView): boolean
}

/** The locks that are meant, and who holds them. */
export interface SessionHoldsReading {
  readonly locks: readonly LockView[]
  readonly holds: readonly SessionHold[]
  /** Whether the token may see all locks that have names. */
  readonly isAllSeen: boolean
}

/** Reads who holds the locks that are meant, and what else goes with their sessions. */
export async function readSessionHolds(ctx: Context, consul: Consul, meant: LocksMeant): Promise<SessionHoldsReading> {
  const { locks: all } = await readLocks(ctx, consul, { prefixes: meant.prefixes })
  const locks = all.filter((lock) => meant.isMeant(lock))
  const held = locks.flatMap((lock) => lock.holders.map((holder) => ({ lock, holder })))
  const sessions = await readSessions(ctx, consul, [...new Set(held.map(({ holder }) => holder.session))])
  const bySession = locksBySession(all)
  // A session of ours holds nothing but locks with names beside this one.
  const isAllSeen = !(await isUnseen(ctx, consul, KEY_PREFIX))
  const isForeign = held.some(({ holder }) => holder.runId === undefined)
  const foreign = isForeign ? await allHeldKeys(ctx, consul) : []
  const othersOf = ({ lock, holder }: { lock: LockView; holder: HolderView }): string[] | undefined => {
    const { session, runId } = holder
    const ours = (bySession.get(session) ?? []).filter(({ key }) => key !== lock.key)
    const names = ours.map(({ name }) => name)
    if (runId !== undefined) return isAllSeen ? names : undefined
    const own = sessionHoldKey({ lock, holder })
    const known = ours.map((lock) => sessionHoldKey({ lock, holder }))
    const keys = foreign?.filter((entry) => entry.session === session && ![own, ...known].includes(entry.key))
    return keys && [...names, ...keys.map(({ key }) => key)]
  }
  const holds = held.map(({ lock, holder }): SessionHold => {
    const session = sessions.get(holder.session)
    return { lock, holder, session, keeper: keeperOf(lock, holder, session), others: othersOf({ lock, holder }) }
  })
  return { locks, holds, isAllSeen }
}

async function readSessions(
  ctx: Context,
  consul: Consul,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SessionInfo>> {
  const known = new Map<string, SessionInfo>()
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE)
    const read = await Promise.all(some.map((id) => unlessRefused(readSession(ctx, consul, id))))
    for (const [n, id] of some.entries()) if (read[n]) known.set(id, read[n])
  }
  return known
}

function locksBySession(locks: readonly LockView[]): ReadonlyMap<string, readonly LockView[]> {
  const bySession = new Map<string, LockView[]>()
  for (const lock of locks) {
    for (const { session } of lock.holders) bySession.set(session, [...(bySession.get(session) ?? []), lock])
  }
  return bySession
}

/** A program that isn't ours may hold any key; `undefined` when not all of them can be read. */
async function allHeldKeys(ctx: Context, consul: Consul): Promise<Entry[] | undefined> {
  try {
    return (await readKeys(ctx, consul, '', { rights: 'read' })).filter(({ session }) => session !== undefined)
  } catch (thrown) {
    if (thrown instanceof Failure && ['refused', 'too-large'].includes(thrown.code)) return undefined
    throw thrown
  }
}

async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return undefined
    throw thrown
  }
}
