import type { Led } from './locker-system.ts'
import type { NodePlace } from './node-place.ts'
import { RedisApp } from './redis-app.ts'

/** A Redis that a leader agent keeps, configured as the example says. */
export async function ledRedis(place: NodePlace): Promise<Led> {
  const app = await RedisApp.prepare(place, { replicaof: '127.0.0.1 1' })
  return { app, yaml: 'application: redis\ntimeouts: { health: 2s, demote: 3s, fence: 2s }\n', env: {} }
}
