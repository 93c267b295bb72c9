import { findConsul } from '../provide/find-consul.ts'
import { copyOfLocker } from '../stage/built-locker.ts'

export const LOCK_RUNNERS = ['consul-locker', 'consul-lock'] as const

/** A lock runner that goes through the chaos. */
export type LockRunnerName = (typeof LOCK_RUNNERS)[number]

export interface LockRunner {
  readonly name: LockRunnerName
  readonly key: string
  readonly hasGuardian: boolean
  /** The ACL rules that it needs for this lock, and no more. */
  readonly rules: string
  /** The words in front of those of the command. */
  readonly words: readonly [string, ...string[]]
}

/** Finds a tool and sets it up for one lock. Rejects when it is not there. */
export async function prepareLockRunner(name: LockRunnerName, lock: string, dir: string): Promise<LockRunner> {
  if (name === 'consul-lock') {
    const words = [await findConsul(), 'lock', '-shell=false', '-child-exit-code', lock] as const
    const key = `${lock}/.lock`
    return { name, key, hasGuardian: false, rules: `${writing('key', key)} ${SESSIONS} ${AGENTS}`, words: [...words] }
  }
  const key = `consul-locker-${lock}`
  const rules = `${writing('key', key)} ${writing('key_prefix', `${key}=queue`)} ${SESSIONS}`
  return { name, key, hasGuardian: true, rules, words: [copyOfLocker(dir), lock] }
}

function writing(kind: string, name: string): string {
  return `${kind} "${name}" { policy = "write" }`
}

/** On any host: all of them have the same token. */
const SESSIONS = writing('session_prefix', 'host')

/** `consul lock` asks its agent who it is before anything else. */
const AGENTS = 'agent_prefix "host" { policy = "read" }'
