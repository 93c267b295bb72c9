/**
 * The ACL rules that our modes need, in full: a refusal names all of them at once. `<node>` stands for the name of the
 * agent's node. They are those of docs/rights.md.
 */
const OWN_SESSIONS = 'session "<node>" { policy = "write" }'
const READS_NODES = 'node_prefix "" { policy = "read" }'

function write(kind: 'key' | 'key_prefix' | 'service', name: string): string {
  return `${kind} "${name}" { policy = "write" }`
}

/** Who waits stands in a line below the key. */
export function runRules(key: string): string[] {
  return [write('key', key), write('key_prefix', `${key}=queue`), OWN_SESSIONS]
}

export function monitorRules(label: string): string[] {
  return [write('service', label), ...leaseRules(label)]
}

export function leaseRules(label: string): string[] {
  return [write('key', `lease/${label}`), OWN_SESSIONS]
}

export function hostsRules(label: string): string[] {
  return [`service "${label}" { policy = "read" }`, READS_NODES]
}

export const tokenServerRules = [
  write('key_prefix', 'discovery/'),
  'service_prefix "" { policy = "write" }',
  'node_prefix "" { policy = "write" }',
]

/** What an agent writes, and below which prefix it reads. */
interface ReadsAndWrites {
  readonly lock: string
  readonly cluster: string
  readonly stepDown: string
  readonly prefix: string
}

export function leaderRules(name: string, { lock, cluster, stepDown, prefix }: ReadsAndWrites): string[] {
  return [
    ...[lock, cluster, stepDown].map((key) => write('key', key)),
    `key_prefix "${prefix}" { policy = "read" }`,
    write('service', name),
    READS_NODES,
    'agent "<node>" { policy = "read" }',
    OWN_SESSIONS,
  ]
}

/** Where a host of a rollout finds its orders, and writes what has become of them. */
interface RolloutPlaces {
  readonly current: string
  readonly running: string
  readonly config: string
  readonly own: string
}

export function rolloutRules({ current, running, config, own }: RolloutPlaces): string[] {
  return [
    `key "${current}" { policy = "read" }`,
    write('key_prefix', running),
    `key_prefix "${config}" { policy = "read" }`,
    write('key_prefix', own),
    write('service', 'consul-locker-rollout'),
    READS_NODES,
    'service_prefix "" { policy = "read" }',
    'agent "<node>" { policy = "read" }',
    OWN_SESSIONS,
  ]
}

/** A script's, its watches' and its check's: those of examples/init/acl.hcl. */
export function initRules({ consul_service, cluster_key }: { consul_service: string; cluster_key: string }): string[] {
  return [
    write('key_prefix', `service/${consul_service}/`),
    write('key', `${cluster_key}/${consul_service}`),
    write('key_prefix', `consul-locker-switchover/${consul_service}`),
    'session_prefix "" { policy = "write" }',
    READS_NODES,
    'service_prefix "" { policy = "read" }',
    'agent_prefix "" { policy = "read" }',
  ]
}
