import { readFileSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Observation } from './check-result.ts'
import { localUid } from './process-count.ts'

/** Where one kind of cron keeps the users' crontabs, and which modes it takes. */
interface Spool {
  readonly folder: string
  takes(mode: number): boolean
  /** Which those are, for people. */
  readonly modes: string
}

/** Debian's cron wants exactly 0600; cronie lets others read, but not write or execute. Both say so in database.c. */
const SPOOLS: readonly Spool[] = [
  { folder: '/var/spool/cron/crontabs', takes: (mode) => mode === 0o600, modes: 'mode 600' },
  { folder: '/var/spool/cron', takes: (mode) => (mode & 0o7533) === 0o400, modes: 'a mode as 600' },
]

/**
 * Whether a user has a crontab with jobs in it, or with one that has `pattern` in its line; one that cron refuses to
 * run is a warning.
 */
export function observeCrontab(user: string, pattern?: string, spools = SPOOLS): Observation {
  const uid = localUid(user)
  for (const spool of spools) {
    const file = join(spool.folder, user)
    const stats = statSync(file, { throwIfNoEntry: false })
    if (!stats?.isFile()) continue
    const flaw = flawOf(stats, uid, user, spool)
    const jobs = jobsIn(file)
    if (jobs?.length === 0) return { type: 'crontab', name: user, state: 'stopped', note: `${file} has no jobs` }
    if (pattern !== undefined && jobs?.every((line) => !line.includes(pattern))) {
      const note = `no job in ${file} has ${JSON.stringify(pattern)} in its line`
      return { type: 'crontab', name: user, state: 'stopped', note }
    }
    const seen = { type: 'crontab', name: user, state: 'running' } as const
    return flaw === undefined ? seen : { ...seen, health: 'warning', note: `cron does not run ${file}: ${flaw}` }
  }
  return { type: 'crontab', name: user, state: 'stopped' }
}

/** Its lines without comments and variables, which run nothing; `undefined` for one that we may not read. */
function jobsIn(file: string): string[] | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.filter((line) => !/^\s*(#|$|["']?\w+["']?\s*=)/.test(line))
  } catch {
    return undefined
  }
}

function flawOf(
  { uid, mode, nlink }: Stats,
  wanted: number | undefined,
  user: string,
  { takes, modes }: Spool,
): string | undefined {
  const bits = mode & 0o7777
  if (wanted !== undefined && uid !== wanted) return `it belongs to the user ${uid}, not to ${user}`
  if (!takes(bits)) return `it has mode ${bits.toString(8)}, and must have ${modes}`
  return nlink === 1 ? undefined : `it has ${nlink} hard links, and must have one`
}
