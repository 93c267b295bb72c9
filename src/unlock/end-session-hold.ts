import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { destroySession } from '../consul/sessions.ts'
import { type SessionHold, sessionHoldKey } from './session-hold.ts'

/**
 * What has become of a hold since it was shown: nothing; it is over (`now` is what stands there); or it holds more.
 */
export type SessionHoldChange = 'none' | { readonly now: Entry | undefined } | { readonly more: readonly string[] }

/** Whether a session holds just what was shown; `again` are all holds as they were read since. */
export async function changeOf(
  ctx: Context,
  consul: Consul,
  shown: SessionHold,
  again: readonly SessionHold[],
): Promise<SessionHoldChange> {
  const key = sessionHoldKey(shown)
  const { session } = shown.holder
  const { entry } = await readKey(ctx, consul, key, { consistent: true, rights: 'read' })
  if (entry?.session !== session) return { now: entry }
  const others = again.find((hold) => hold.holder.session === session && sessionHoldKey(hold) === key)?.others ?? []
  const more = others.filter((name) => !shown.others?.includes(name))
  return shown.others && more.length > 0 ? { more } : 'none'
}

/**
 * Ends a hold by its session, and never by its key: so Consul keeps the lock closed while the holder stops. Nothing
 * can compare at Consul's side, and nothing has to: a session's id is never given twice, so this can hit nobody but
 * the holder that was shown. Settles with what has changed, if anything has; then nothing is done.
 */
export async function endSessionHold(
  ctx: Context,
  consul: Consul,
  shown: SessionHold,
  again: readonly SessionHold[],
): Promise<SessionHoldChange> {
  const change = await changeOf(ctx, consul, shown, again)
  if (change !== 'none') return change
  try {
    await destroySession(ctx, consul, shown.holder.session)
  } catch (thrown) {
    // An old server fails for a session that somebody else has ended meanwhile.
    if (!(thrown instanceof Failure) || thrown.code !== 'unavailable') throw thrown
    const since = await changeOf(ctx, consul, shown, again)
    if (since === 'none') throw thrown
    return since
  }
  return 'none'
}
