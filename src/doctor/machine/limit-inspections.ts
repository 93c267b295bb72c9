import { readdirSync } from 'node:fs'
import { breaks, cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { groupFolders, groupNumber, kernelText, softLimit } from './kernel-limits.ts'

/** A run needs so many open files (README); its command needs some, too. */
const FILES = 32
const FILES_AT_EASE = 64
/** Threads and processes of a run beside our own: the guardian with its programs, the command, a hook. */
const PROCESSES = 10
const PROCESSES_AT_EASE = 40
/** A run has so much at its peak, all of its processes together, without the command's. */
const MEMORY = 64 << 20
const MEMORY_AT_EASE = 128 << 20

/** How many files may be open. */
export const openFilesInspection: Inspection = {
  code: 'CL504',
  topic: 'This machine',
  title: 'open files',
  needs: [],
  asksConsul: false,
  look: () => judgeOpenFiles(softLimit(kernelText('/proc/self/limits') ?? '', 'Max open files')),
}

export function judgeOpenFiles(limit: number | undefined): Diagnosis {
  if (limit === undefined) return cantTell('/proc/self/limits has no limit of open files')
  const said = `${shown(limit)} files may be open`
  const cure = 'raise the limit: ulimit -n 1024 in the script, LimitNOFILE= in a unit, nofile in limits.conf'
  if (limit < FILES) return breaks(`${said}, and a run needs ${FILES}`, cure)
  return limit < FILES_AT_EASE ? warning(`${said}; a run needs ${FILES}, and so does its command`, cure) : fine(said)
}

/** How many more processes and threads there may be. */
export const processesInspection: Inspection = {
  code: 'CL505',
  topic: 'This machine',
  title: 'processes',
  needs: [],
  asksConsul: false,
  look() {
    const limit = softLimit(kernelText('/proc/self/limits') ?? '', 'Max processes')
    // The kernel lets root have more.
    const isBound = limit !== undefined && Number.isFinite(limit) && process.getuid?.() !== 0
    const ofUser = isBound ? { limit, used: threadsOf(process.getuid?.() ?? -1) } : undefined
    return judgeProcesses([
      ...(ofUser ? [{ whose: 'this user', ...ofUser }] : []),
      ...groupLimits('pids', 'pids.max', 'pids.current').map((of) => ({ whose: 'this control group', ...of })),
    ])
  },
}

interface Bound {
  readonly whose: string
  readonly limit: number
  readonly used: number
}

export function judgeProcesses(bounds: readonly Bound[]): Diagnosis {
  const [tightest] = bounds.toSorted((one, other) => one.limit - one.used - (other.limit - other.used))
  if (!tightest) return fine('there may be any number of processes')
  const { whose, limit, used } = tightest
  const left = Math.max(0, limit - used)
  const said = `${whose} may have ${left} more processes and threads of ${limit}`
  const cure = 'raise the limit: ulimit -u, TasksMax= in a unit, --pids-limit of a container'
  if (left < PROCESSES) return breaks(`${said}, and a run needs ${PROCESSES}`, cure)
  return left < PROCESSES_AT_EASE ? warning(said, cure) : fine(said)
}

/** How much memory there is. */
export const memoryInspection: Inspection = {
  code: 'CL506',
  topic: 'This machine',
  title: 'memory',
  needs: [],
  asksConsul: false,
  look() {
    const kb = /^MemAvailable:\s+(\d+) kB$/m.exec(kernelText('/proc/meminfo') ?? '')?.[1]
    return judgeMemory([
      ...(kb === undefined ? [] : [{ whose: 'this machine', free: Number(kb) * 1024 }]),
      ...memoryOfGroups().map((free) => ({ whose: 'this control group', free })),
    ])
  },
}

export function judgeMemory(places: readonly { readonly whose: string; readonly free: number }[]): Diagnosis {
  const [tightest] = places.toSorted((one, other) => one.free - other.free)
  if (!tightest) return cantTell('neither /proc/meminfo nor a control group tells how much memory there is')
  const said = `${tightest.whose} has ${Math.floor(tightest.free / (1 << 20))} MB left`
  const cure = 'raise the limit (MemoryMax= in a unit, --memory of a container), or look what has taken it'
  if (tightest.free < MEMORY) return breaks(`${said}, and a run needs ${MEMORY >> 20} without its command`, cure)
  return tightest.free < MEMORY_AT_EASE ? warning(said, cure) : fine(said)
}

function groupLimits(controller: string, most: string, now: string): { limit: number; used: number }[] {
  return groupFolders(kernelText('/proc/self/cgroup') ?? '', controller).flatMap((folder) => {
    const [limit, used] = [most, now].map((file) => groupNumber(kernelText(`${folder}/${file}`)))
    return limit === undefined || used === undefined ? [] : [{ limit, used }]
  })
}

/** What is left in each control group around us; what the kernel would drop from its caches counts as free. */
function memoryOfGroups(): number[] {
  const forms = [
    ['memory.max', 'memory.current', /^inactive_file (\d+)$/m],
    ['memory.limit_in_bytes', 'memory.usage_in_bytes', /^total_inactive_file (\d+)$/m],
  ] as const
  return groupFolders(kernelText('/proc/self/cgroup') ?? '', 'memory').flatMap((folder) =>
    forms.flatMap(([most, now, idle]) => {
      const [limit, used] = [most, now].map((file) => groupNumber(kernelText(`${folder}/${file}`)))
      if (limit === undefined || used === undefined) return []
      return [limit - used + Number(idle.exec(kernelText(`${folder}/memory.stat`) ?? '')?.[1] ?? 0)]
    }),
  )
}

function threadsOf(uid: number): number {
  let count = 0
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const status = kernelText(`/proc/${pid}/status`) ?? ''
    if (Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1) !== uid) continue
    count += Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  }
  return count
}

function shown(limit: number): string {
  return Number.isFinite(limit) ? String(limit) : 'any number of'
}
