import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { leaderKeys } from '../leader/cluster/leader-keys.ts'
import { parseHolderRecord } from '../lock/holder-record.ts'
import type { LockView } from './lock-view.ts'

/** Where applications with a leader have their keys, unless their file says otherwise. */
export const LEADERS_PREFIX = 'lock/'

/** The application whose leader's lock this is. */
export function applicationOf(lockKey: string): string | undefined {
  const name = lockKey.startsWith(LEADERS_PREFIX) ? lockKey.slice(LEADERS_PREFIX.length).replace(/\/leader$/, '') : ''
  return name !== '' && leaderKeys(name).lock === lockKey ? name : undefined
}

/** A lock as that of an application's leader, if it is one. */
export function asLeader(lock: LockView): LockView {
  const name = lock.kind === 'lock' ? applicationOf(lock.key) : undefined
  return name === undefined ? lock : { ...lock, name, kind: 'leader' }
}

/** On which node an application is led; `undefined` when nobody leads it, or the token may not see that. */
export async function leaderNode(ctx: Context, consul: Consul, name: string): Promise<string | undefined> {
  try {
    const { entry } = await readKey(ctx, consul, leaderKeys(name).lock, { rights: 'read' })
    return entry?.session === undefined ? undefined : (parseHolderRecord(entry.value).host ?? 'somebody')
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return undefined
    throw thrown
  }
}

const OF_CLUSTER = /^lock[/](.+)[/](?:cluster|history|note|nodes[/][^/]+|positions[/][^/]+)$/

/** The applications among these keys whose lock nobody has made, or that nobody leads. */
export function leadersWithout(locks: readonly LockView[], parts: readonly { readonly stem: string }[]): LockView[] {
  const known = new Set(locks.filter(({ kind }) => kind === 'leader').map(({ name }) => name))
  const names = new Set(parts.flatMap(({ stem }) => OF_CLUSTER.exec(stem)?.[1] ?? []))
  const missing = [...names].filter((name) => !known.has(name))
  return missing.map((name) => {
    const key = leaderKeys(name).lock
    return { name, key, kind: 'leader', limit: 1, holders: [], waiters: [], runs: {} }
  })
}
