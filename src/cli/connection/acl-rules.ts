import { ALL_PAUSED_KEY, KEY_PREFIX, keyOfName } from '../../lock/lock-keys.ts'

/**
 * The ACL rules that our modes need, in full: a refusal names all of them at once. `<node>` stands for the name of the
 * agent's node. They are those of docs/rights.md.
 */
const OWN_SESSIONS = 'session "<node>" { policy = "write" }'
const READS_NODES = 'node_prefix "" { policy = "read" }'

function write(kind: 'key' | 'key_prefix' | 'service', name: string): string {
  return `${kind} "${name}" { policy = "write" }`
}

function readKey(key: string): string {
  return `key "${key}" { policy = "read" }`
}

/** What a run may want to hold but one plain lock. */
interface Wanted {
  readonly slots?: number | undefined
  /** The names of the others. */
  readonly also?: readonly string[]
}

/**
 * Who waits stands in a line beside the key; so do its pause, its readers, and the runs that there were. The places of
 * a semaphore stand below it.
 */
export function runRules(key: string, { slots, also = [] }: Wanted = {}): string[] {
  if (slots !== undefined) {
    const name = key.slice(0, key.lastIndexOf('/'))
    return [...lockRules(name), write('key_prefix', `${name}/`), readKey(ALL_PAUSED_KEY), OWN_SESSIONS]
  }
  return [...[key, ...also.map(keyOfName)].flatMap(lockRules), readKey(ALL_PAUSED_KEY), OWN_SESSIONS]
}

function lockRules(key: string): string[] {
  return [write('key', key), write('key_prefix', `${key}=`)]
}

/** Who asks how many slots are taken, or changes how many there are. */
export function slotsRules(list: string, isChange: boolean): string[] {
  return [`key_prefix "${list.slice(0, list.lastIndexOf('/') + 1)}" { policy = "${isChange ? 'write' : 'read'}" }`]
}

/** Who only asks after a lock. */
export function lockReaderRules(key: string): string[] {
  return [readKey(key), `key_prefix "${key}=" { policy = "read" }`]
}

/** Who looks at all locks. */
export function locksRules(prefixes: readonly string[]): string[] {
  const read = [...LISTED, ...prefixes].map((prefix) => `key_prefix "${prefix}" { policy = "read" }`)
  return [...read, 'session_prefix "" { policy = "read" }']
}

/** Pauses of all locks, locks by name, and those of leaders. */
const LISTED = [KEY_PREFIX.slice(0, -1), 'lock/']

/** Who unlocks a key, or all that begin so; asking for them takes writing them, and no sessions. */
export function unlockRules(kind: 'key' | 'key_prefix', key: string, isAsked: boolean): string[] {
  return isAsked ? [write(kind, key)] : [`${kind} "${key}" { policy = "read" }`, OWN_SESSIONS]
}

/** Who pauses a lock, or all of them, and is told what goes on. */
export function pauseRules({
  pauseKey,
  lockKey,
}: {
  readonly pauseKey: string
  readonly lockKey?: string | undefined
}) {
  const read = lockKey === undefined ? `key_prefix "${KEY_PREFIX}"` : `key "${lockKey}"`
  return [write('key', pauseKey), `${read} { policy = "read" }`]
}

export function monitorRules(label: string): string[] {
  return [write('service', label), ...leaseRules(label)]
}

export function leaseRules(label: string): string[] {
  return [write('key', `lease/${label}`), OWN_SESSIONS]
}

/** Who only asks after a lease. */
export function leaseReaderRules(label: string): string[] {
  return [readKey(`lease/${label}`)]
}

export function hostsRules(label: string): string[] {
  return [`service "${label}" { policy = "read" }`, READS_NODES]
}

/** Who watches over everything, and may free it. */
export function dashboardRules(mayUnlock: boolean, rolloutPrefixes: readonly string[]): string[] {
  const below = rolloutPrefixes.map((prefix) => `${prefix}/`)
  const folders = ['service/', 'running_version/', 'config_state/', ...below]
  const [sessions = '', ...listed] = locksRules([]).toReversed()
  return [
    ...listed.toReversed(),
    ...folders.map((folder) => `key_prefix "${folder}" { policy = "read" }`),
    readKey('current_version'),
    READS_NODES,
    'service_prefix "" { policy = "read" }',
    mayUnlock ? sessions.replace('read', 'write') : sessions,
  ]
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
  readonly switchover: string
  readonly history: string
  readonly positions: string
  readonly reinit: string
  /** Only an application of ours writes one. */
  readonly note: string | undefined
  readonly prefix: string
}

export function leaderRules(name: string, keys: ReadsAndWrites): string[] {
  const { lock, cluster, stepDown, switchover, history, positions, reinit, note, prefix } = keys
  return [
    ...[
      lock,
      cluster,
      stepDown,
      switchover,
      history,
      `${positions}<node>`,
      `${reinit}<node>`,
      ...(note === undefined ? [] : [note]),
    ].map((key) => write('key', key)),
    `key_prefix "${prefix}" { policy = "read" }`,
    write('service', name),
    READS_NODES,
    'agent "<node>" { policy = "read" }',
    OWN_SESSIONS,
  ]
}

/** An operator's, who reads and switches. */
export function leaderOperatorRules(name: string, { prefix }: { readonly prefix: string }): string[] {
  return [write('key_prefix', prefix), `service "${name}" { policy = "read" }`, READS_NODES]
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

/** Who only looks at a rollout. */
export function rolloutReaderRules({ current, running, config, own }: RolloutPlaces): string[] {
  const folders = [running, config, own].map((folder) => `key_prefix "${folder}" { policy = "read" }`)
  return [readKey(current), ...folders, READS_NODES, 'service_prefix "" { policy = "read" }']
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
