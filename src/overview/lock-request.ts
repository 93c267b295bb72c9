import { Glob } from '../base/glob.ts'
import { KEY_PREFIX } from '../lock/lock-keys.ts'
import { LEADERS_PREFIX } from './leaders.ts'
import type { LockView } from './lock-view.ts'

/** Which locks are asked for, and how much of them. */
export interface LocksRequest {
  /** Of these names: a glob. Without one, all. */
  readonly pattern?: string | undefined
  /** Beside those with a name and those of leaders: all locks whose keys begin so. */
  readonly prefixes?: readonly string[] | undefined
  /** All recorded runs, and not the last ones alone. */
  readonly areAllRuns?: boolean
}

/** From here on a pattern names no lock, and Consul's server would send us to another path. */
const NO_PATH = /(?<=^|\/)(?:\/|\.{1,2}(?=\/|$)).*/s

/** Where the locks stand that were asked for: what their keys begin with. */
export function prefixesOf({ pattern = '*', prefixes = [] }: LocksRequest): string[] {
  const head = new Glob(pattern).head.replace(NO_PATH, '')
  const all = [...new Set([`${KEY_PREFIX}${head}`, `${LEADERS_PREFIX}${head}`, ...prefixes])]
  return all.filter((prefix) => !all.some((other) => other !== prefix && prefix.startsWith(other)))
}

/** Tells whether a lock was asked for. */
export function isAskedFor({ pattern }: LocksRequest): (lock: LockView) => boolean {
  if (pattern === undefined) return () => true
  const glob = new Glob(pattern)
  return ({ name }) => glob.matches(name)
}
