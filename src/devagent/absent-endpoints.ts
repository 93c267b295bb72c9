import { textAnswer } from './answers.ts'
import type { AgentAnswer } from './request.ts'

/** What Consul has and this agent hasn't, by the beginning of the path below `/v1/`. */
const ABSENT: readonly (readonly [path: string, what: string])[] = [
  ['agent/connect', 'service mesh'],
  ['agent/force-leave', 'other members'],
  ['agent/host', 'figures of the machine'],
  ['agent/join', 'other members'],
  ['agent/leave', 'other members'],
  ['agent/metrics', 'metrics'],
  ['agent/monitor', 'log to be read over HTTP'],
  ['agent/token', 'ACLs'],
  ['catalog/connect', 'service mesh'],
  ['catalog/gateway-services', 'service mesh'],
  ['config', 'configuration entries'],
  ['connect', 'service mesh'],
  ['coordinate', 'network coordinates'],
  ['discovery-chain', 'service mesh'],
  ['event', 'events'],
  ['health/connect', 'service mesh'],
  ['health/ingress', 'service mesh'],
  ['internal', 'web interface'],
  ['operator', 'raft peers to operate'],
  ['query', 'prepared queries'],
  ['snapshot', 'snapshots'],
]

/** The answer about what isn't here: a 501 that says so. `undefined` for all else. */
export function absentAnswer(path: string): AgentAnswer | undefined {
  const absent = ABSENT.find(([start]) => path === start || path.startsWith(`${start}/`))
  if (absent) return textAnswer(501, `consul-locker dev has no ${absent[1]}: /v1/${absent[0]} needs a real Consul`)
  // As a Consul without ACLs says it; clients know that word.
  return path === 'acl' || path.startsWith('acl/') ? textAnswer(401, 'ACL support disabled') : undefined
}
