import { readdirSync, readFileSync } from 'node:fs'

/** Memory of several processes, in bytes. */
export interface Memory {
  /** Proportional set size: what is shared is split among those who share it, others on the machine included. */
  readonly pss: number
  readonly privateDirty: number
  /** The proportional set size that there would be if nobody else on the machine had the same files mapped. */
  readonly alone: number
}

const TICKS_PER_S = 100
const KIB = 1024

/** Processes with all that they started, directly or not, as the kernel shows them now. */
export function treeOf(...roots: number[]): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = Number(statOf(Number(entry))[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  const tree = [...roots]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** The words that a process was started with; none, when it is gone. */
export function wordsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1)
}

/**
 * CPU time in ms that these processes took, and those that they waited for. The living count in nanoseconds, by the
 * scheduler; the dead in the kernel's ticks of 10 ms, for the sum of each parent's.
 */
export function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const waitedFor = statOf(pid).slice(13, 15).map(Number)
    const threads = entries(`/proc/${pid}/task`)
    const run = threads.map((thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]))
    return sum + run.reduce((a, b) => a + b, 0) / 1e6 + waitedFor.reduce((a, b) => a + b, 0) * (1000 / TICKS_PER_S)
  }, 0)
}

export function memoryOf(pids: readonly number[]): Memory {
  const rollups = pids.map((pid) => read(`/proc/${pid}/smaps_rollup`))
  const sum = (field: string) => rollups.reduce((total, text) => total + kib(text, field), 0) * KIB
  const files = new Map<string, number>()
  for (const pid of pids) {
    for (const [file, bytes] of mappedFiles(pid)) files.set(file, Math.max(files.get(file) ?? 0, bytes))
  }
  const mapped = [...files.values()].reduce((total, bytes) => total + bytes, 0)
  return { pss: sum('Pss'), privateDirty: sum('Private_Dirty'), alone: sum('Pss_Anon') + mapped }
}

/** The most memory that each of these processes ever had, added up, in bytes. */
export function peaksOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + kib(read(`/proc/${pid}/status`), 'VmHWM') * KIB, 0)
}

/** The bytes that a process has written so far, to files and to others. */
export function writtenBytesOf(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(read(`/proc/${pid}/io`))?.[1] ?? 0)
}

/** The bytes of each file that a process has in its memory unchanged. */
function mappedFiles(pid: number): Map<string, number> {
  const files = new Map<string, number>()
  for (const mapping of read(`/proc/${pid}/smaps`).split(/^(?=[\da-f]+-[\da-f]+ )/m)) {
    const [, device, inode] = /^\S+ \S+ \S+ (\S+) (\d+)/.exec(mapping) ?? []
    if (inode === undefined || inode === '0') continue
    const bytes = (kib(mapping, 'Rss') - kib(mapping, 'Anonymous')) * KIB
    files.set(`${device} ${inode}`, (files.get(`${device} ${inode}`) ?? 0) + bytes)
  }
  return files
}

function kib(text: string, field: string): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(text.replaceAll('\t', ' '))?.[1] ?? 0)
}

/** The fields of `stat` from the third on: state, parent, … */
function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function entries(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

// A process may end while we look.
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
