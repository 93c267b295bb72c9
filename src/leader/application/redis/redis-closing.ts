import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure, messageOf } from '../../../base/failure.ts'
import { type DataToken, newToken, tokenKey, tokenText } from './data-token.ts'
import type { RedisConnection } from './redis-connection.ts'
import { CLOSED, lookAt, type RedisState } from './redis-state.ts'

const BUSY = /\bBUSY\b/
const UNKILLABLE = /\bUNKILLABLE\b/
const LOOK_MS = 40

/** Redis takes no writes from now on, replica or not; it still gives its data to its replicas. */
export async function close(redis: RedisConnection): Promise<void> {
  // Without a max-lag the other setting has no effect.
  await redis.tell('CONFIG', 'SET', 'min-replicas-max-lag', '10')
  await redis.tell('CONFIG', 'SET', 'min-replicas-to-write', String(CLOSED))
}

/** Redis takes writes as a master, while it has so many replicas. */
export async function open(redis: RedisConnection, minReplicas: number): Promise<void> {
  await redis.tell('CONFIG', 'SET', 'min-replicas-max-lag', '10')
  await redis.tell('CONFIG', 'SET', 'min-replicas-to-write', String(minReplicas))
}

/**
 * Closes a master for good, with a token as its last write, in one step. Settles with that, or `undefined` when it took
 * no token any more: it is closed all the same. Rejects when it may be open.
 */
export async function closeWithToken(
  redis: RedisConnection,
  { data }: RedisState,
  name: string,
): Promise<DataToken | undefined> {
  const token = data[0] && newToken(data[0])
  const isSet = token !== undefined && (await closeBehind(redis, tokenKey(name), tokenText(token)))
  await close(redis)
  return isSet ? token : undefined
}

/** A write that is queued while Redis is open is done though the command before it has closed it. */
async function closeBehind(redis: RedisConnection, key: string, value: string): Promise<boolean> {
  try {
    await redis.tell('CONFIG', 'SET', 'min-replicas-max-lag', '10')
    const replies = await Promise.all([
      redis.ask('MULTI'),
      redis.ask('CONFIG', 'SET', 'min-replicas-to-write', String(CLOSED)),
      redis.ask('SET', key, value),
      redis.ask('EXEC'),
    ])
    return Array.isArray(replies[3]) && replies[3].every((reply) => reply === 'OK')
  } catch {
    await redis.ask('DISCARD').catch(() => {})
    return false
  }
}

/**
 * Ends a script that keeps Redis from doing anything else. Rejects when it has written already, for then only a kill
 * ends it, and with the context's reason when it doesn't heed.
 */
export async function endScript(ctx: Context, redis: RedisConnection): Promise<void> {
  for (;;) {
    try {
      await redis.ask('INFO', 'server')
      return
    } catch (thrown) {
      if (!BUSY.test(messageOf(thrown))) throw thrown
    }
    // Which of them it is, Redis says only by refusing.
    const ends = await Promise.allSettled([redis.ask('SCRIPT', 'KILL'), redis.ask('FUNCTION', 'KILL')])
    const refusal = ends.find((end) => end.status === 'rejected' && UNKILLABLE.test(messageOf(end.reason)))
    if (refusal?.status === 'rejected') throw refusal.reason
    await sleep(ctx, LOOK_MS)
  }
}

/** Waits until every replica that is there has so much, as long as the context lasts. Settles with how many don't. */
export async function replicasReach(
  ctx: Context,
  redis: RedisConnection,
  position: bigint,
  limitMs: number,
): Promise<number> {
  const beganAt = ctx.clock.now()
  for (;;) {
    // So many there never are: it only makes them acknowledge now.
    await redis.ask('WAIT', String(CLOSED), String(LOOK_MS))
    const { replicas } = await lookAt(redis)
    const behind = replicas.filter((replica) => replica.online && replica.position < position).length
    if (behind === 0 || ctx.clock.since(beganAt) >= limitMs) return behind
    await sleep(ctx, LOOK_MS)
  }
}

/** Has all clients connect anew, who find the next master by its name then. */
export async function dismissClients(redis: RedisConnection): Promise<void> {
  for (const type of ['normal', 'pubsub']) await redis.ask('CLIENT', 'KILL', 'TYPE', type)
}

/** Rejects unless Redis, asked again, takes no writes. */
export async function assertClosed(redis: RedisConnection, runId: string): Promise<RedisState> {
  const state = await lookAt(redis)
  if (state.runId === runId && !state.open) return state
  throw new Failure('failed', 'Redis was closed, and takes writes again')
}
