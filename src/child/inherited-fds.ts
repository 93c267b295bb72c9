import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { OutputStreams } from './child.ts'

const FIRST = 3

/** Node makes these for itself; nobody would pass one on. */
const NODES_OWN = /^anon_inode:\[(?:eventpoll|eventfd|io_uring)\]$/

const CLOEXEC = 0o2000000

let inherited: readonly number[] = []

/** Looks which descriptors we were started with. Must come before anything of ours opens one. */
export function noteInheritedFds(): void {
  const targets = new Map(descriptors().map((fd) => [fd, targetOf('self', fd)]))
  const isPair = (target: string) => [...targets.values()].filter((other) => other === target).length > 1
  // Node opens pipes and /dev/null for itself, but our caller may have passed some on, too (make's jobserver): they
  // count only if our parent has the same at that number.
  const isAmbiguous = (target: string) => target === '/dev/null' || (target.startsWith('pipe:') && isPair(target))
  inherited = [...targets].flatMap(([fd, target = '']) => {
    if (target === '' || NODES_OWN.test(target)) return []
    return isAmbiguous(target) && targetOf(process.ppid, fd) !== target ? [] : [fd]
  })
}

/**
 * The descriptors beyond the standard three that a child gets only when it is told so, ascending. libuv makes what a
 * process inherits close-on-exec, but stops at the first gap above 15: these are the ones that it reached.
 */
export function closeOnExecFds(): readonly number[] {
  return inherited.filter((fd) => (flagsOf(fd) & CLOEXEC) !== 0)
}

function descriptors(): number[] {
  try {
    return readdirSync('/proc/self/fd')
      .map(Number)
      .filter((fd) => fd >= FIRST)
      .sort((a, b) => a - b)
  } catch {
    return []
  }
}

/** What a descriptor leads to; `undefined` when there is none, or when it isn't ours to look at. */
function targetOf(pid: number | 'self', fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    return undefined
  }
}

function flagsOf(fd: number): number {
  try {
    return Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0', 8)
  } catch {
    return 0
  }
}

/** Standard streams, ours or these, and further descriptors for a child, each under its own number. */
export function stdioWith(descriptors: Iterable<number>, streams?: OutputStreams): ('inherit' | 'ignore' | number)[] {
  const { stdout = 'inherit', stderr = 'inherit' } = streams ?? {}
  const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', stdout, stderr]
  for (const fd of descriptors) {
    while (stdio.length < fd) stdio.push('ignore')
    stdio[fd] = fd
  }
  return stdio
}
