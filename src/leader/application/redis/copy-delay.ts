import type { RedisConnection } from './redis-connection.ts'

/** Redis' own default since version 7. */
const COPY_DELAY_S = 5

/**
 * Has full copies to replicas begin some seconds after these ask for them. Should Redis come back emptied, and as a
 * master, because CONFIG REWRITE has changed its file (which keeps this, too), its agent is faster.
 */
export async function delayCopies(redis: RedisConnection): Promise<void> {
  const [, diskless] = (await redis.ask('CONFIG', 'GET', 'repl-diskless-sync')) as string[]
  const [, delay] = (await redis.ask('CONFIG', 'GET', 'repl-diskless-sync-delay')) as string[]
  if (diskless !== 'yes') await redis.tell('CONFIG', 'SET', 'repl-diskless-sync', 'yes')
  if (!(Number(delay) >= COPY_DELAY_S))
    await redis.tell('CONFIG', 'SET', 'repl-diskless-sync-delay', String(COPY_DELAY_S))
}
