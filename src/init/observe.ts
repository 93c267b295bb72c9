import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../base/failure.ts'
import type { Observation } from './verdict.ts'

/** A process to look for: by a text, or by a regular expression, in its command line; of any user, or of one. */
export interface ProcessQuery {
  matches(line: string): boolean
  /** For people. */
  readonly text: string
  readonly uid: number | undefined
}

/** Whether a process of this kind runs, ourselves and our parent apart. */
export function observeProcess({ matches, text, uid }: ProcessQuery): Observation {
  const own = [process.pid, process.ppid].map(String)
  const found = readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid) || own.includes(pid)) return false
    try {
      if (uid !== undefined && statSync(`/proc/${pid}`).uid !== uid) return false
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return line !== '' && matches(line)
    } catch {
      return false // It ended while we looked.
    }
  })
  return { type: 'process', name: text, state: found ? 'running' : 'stopped' }
}

const CRONTABS = '/var/spool/cron/crontabs'

/** Whether a user has a crontab that cron runs. */
export function observeCrontab(user: string, folder = CRONTABS): Observation {
  const exists = statSync(join(folder, user), { throwIfNoEntry: false })?.isFile() ?? false
  return { type: 'crontab', name: user, state: exists ? 'running' : 'stopped' }
}

/** A user's number. Throws a `usage` failure for one that there isn't. */
export function uidOf(user: string): number {
  const entries = readFileSync('/etc/passwd', 'utf8').split('\n')
  const uid = entries.map((line) => line.split(':')).find(([name]) => name === user)?.[2]
  if (uid === undefined) throw new Failure('usage', `there is no user ${JSON.stringify(user)}`)
  return Number(uid)
}
