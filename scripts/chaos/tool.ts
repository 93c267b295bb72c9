import { constants, copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { findConsul } from '../find-consul.ts'

export const TOOLS = ['consul-locker', 'consul-lock'] as const

/** A lock runner that goes through the chaos. */
export type ToolName = (typeof TOOLS)[number]

export interface Tool {
  readonly name: ToolName
  readonly key: string
  readonly hasGuardian: boolean
  /** The ACL rules that it needs for this lock, and no more. */
  readonly rules: string
  /** The words in front of those of the command. */
  readonly words: readonly [string, ...string[]]
}

const LOCKER = join(import.meta.dirname, '../../dist/consul-locker')

/** Finds a tool and sets it up for one lock. Rejects when it is not there. */
export async function prepareTool(name: ToolName, lock: string, dir: string): Promise<Tool> {
  if (name === 'consul-lock') {
    const words = [await findConsul(), 'lock', '-shell=false', '-child-exit-code', lock] as const
    const key = `${lock}/.lock`
    return { name, key, hasGuardian: false, rules: `${writing('key', key)} ${SESSIONS}`, words: [...words] }
  }
  if (!existsSync(LOCKER)) throw new Error(`${LOCKER} is not there: "npm run build" makes it.`)
  // Whoever builds meanwhile must not change what is tested.
  const copy = join(dir, 'consul-locker')
  copyFileSync(LOCKER, copy, constants.COPYFILE_FICLONE)
  const key = `consul-locker-${lock}`
  const rules = `${writing('key', key)} ${writing('key_prefix', `${key}=queue`)} ${SESSIONS}`
  return { name, key, hasGuardian: true, rules, words: [copy, lock] }
}

function writing(kind: string, name: string): string {
  return `${kind} "${name}" { policy = "write" }`
}

/** On any host: all of them have the same token. */
const SESSIONS = writing('session_prefix', 'host')
