import { asOrdinaryUser } from '../provide/ordinary-user.ts'
import { ledPostgres } from './locker-postgres.ts'
import { ledRedis } from './locker-redis.ts'
import { LockerSystem } from './locker-system.ts'
import { PATRONI_TUNINGS, PatroniSystem } from './patroni-system.ts'
import { SENTINEL_TUNINGS, SentinelSystem } from './sentinel-system.ts'
import type { System } from './system.ts'

/** All others that ours is compared with. */
export const PEERS: readonly System[] = [
  ...SENTINEL_TUNINGS.map((tuning) => new SentinelSystem(tuning)),
  ...PATRONI_TUNINGS.map((tuning) => new PatroniSystem(tuning)),
]

/** Ours, for each application. `locker` is the executable under test. */
export async function ourSystems(locker: string, extra: readonly string[]): Promise<System[]> {
  const { words } = await asOrdinaryUser()
  return [
    new LockerSystem({ application: 'redis', locker, led: ledRedis, extra }),
    new LockerSystem({ application: 'postgres', locker, led: ledPostgres, extra, through: words }),
  ]
}
