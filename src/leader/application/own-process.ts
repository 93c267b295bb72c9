import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { reasonOf } from '../../base/failure.ts'

const POLL_MS = 20

/** A process of this machine, told from a later one that only has its pid. */
export interface OwnProcess {
  readonly pid: number
  /** In clock ticks since the machine's start. */
  readonly startedAt: string
}

/** The process of this id that runs now; `undefined` when there is none, or only what is left of one. */
export function processOf(pid: number): OwnProcess | undefined {
  const stat = statOf(pid)
  return stat && { pid, startedAt: stat.startedAt }
}

/** Whether it runs still. A zombie doesn't. */
export function isRunning({ pid, startedAt }: OwnProcess): boolean {
  return statOf(pid)?.startedAt === startedAt
}

/** The processes whose working directory this is; the path must be a real one. */
export function workingIn(directory: string): OwnProcess[] {
  return running(({ pid }) => link(`/proc/${pid}/cwd`) === directory)
}

/** These and all that came of them, as long as their parents live. */
export function withDescendants(processes: readonly OwnProcess[]): OwnProcess[] {
  const all = processIds().flatMap((pid) => {
    const stat = statOf(pid)
    return stat ? [{ pid, ...stat }] : []
  })
  const family = new Map(processes.filter(isRunning).map((process) => [process.pid, process]))
  for (const { pid } of family.values()) {
    for (const child of all) if (child.parent === pid) family.set(child.pid, child)
  }
  return [...family.values()].map(({ pid, startedAt }) => ({ pid, startedAt }))
}

/**
 * Kills processes, and waits until they are gone. Rejects when one may not be killed, or with the signal's reason: one
 * that waits for a dead disk outlives even KILL.
 */
export async function killed(ctx: Context, processes: readonly OwnProcess[]): Promise<void> {
  for (const process of processes) signal(process, 'SIGKILL')
  while (processes.some(isRunning)) await sleep(ctx, POLL_MS)
}

/** Sends a signal to a process that is still the one that was looked at. Throws when we may not. */
export function signal(target: OwnProcess, name: NodeJS.Signals): void {
  if (!isRunning(target)) return
  try {
    process.kill(target.pid, name)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return
    throw new Error(`process ${target.pid} can't be sent ${name}: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

function running(isWanted: (process: OwnProcess) => boolean): OwnProcess[] {
  return processIds()
    .flatMap((pid) => processOf(pid) ?? [])
    .filter(isWanted)
}

/** The ids of all processes that are to be seen. */
export function processIds(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

/** `undefined` for one that has ended. The name before the state may hold anything, even a parenthesis. */
function statOf(pid: number): { readonly parent: number; readonly startedAt: string } | undefined {
  const stat = readProc(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent] = fields
  if (state === '' || state === 'Z' || state === 'X') return undefined
  return { parent: Number(parent), startedAt: fields[19] ?? '' }
}

/** What a process has open, as `/proc` names it; nothing when we may not look. */
export function filesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** Empty for what ended while we looked, or isn't ours to look into. */
export function readProc(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
