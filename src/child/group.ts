import { readdirSync, readFileSync } from 'node:fs'
import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'

/** Nothing tells when a group is empty, so it is looked at this often. */
const LOOK_MS = 20
/** A process that KILL doesn't end within this time hangs in the kernel (dead disk, dead NFS server). */
const KILL_TAKES_MS = 5000

/** A process group, by the id of its first process. */
export class ProcessGroup {
  readonly id: number

  constructor(id: number) {
    this.id = id
  }

  /** Sends a signal to every process of the group; `false` when there is none. */
  signal(signal: NodeJS.Signals): boolean {
    try {
      return process.kill(-this.id, signal)
    } catch (thrown) {
      // EPERM: processes are there, but all belong to somebody else by now (setuid).
      return (thrown as NodeJS.ErrnoException).code === 'EPERM'
    }
  }

  /** Whether any process of the group still runs. Zombies don't count: `kill` finds them, but they do nothing. */
  isAlive(): boolean {
    try {
      process.kill(-this.id, 0)
    } catch (thrown) {
      return (thrown as NodeJS.ErrnoException).code === 'EPERM'
    }
    return livingMembers(this.id) ?? true
  }

  /** Settles with `true` once the group is empty, or with `false` after `ms` milliseconds. */
  async empties(ctx: Context, ms: number): Promise<boolean> {
    const start = ctx.clock.now()
    while (this.isAlive()) {
      if (ctx.clock.since(start) >= ms) return false
      await sleep(ctx, LOOK_MS)
    }
    return true
  }

  /**
   * TERM, `graceMs` of time, KILL. Settles with whether the group is empty now; when it isn't, KILL didn't help.
   * Stopped processes are continued, so that they can take the TERM.
   */
  async stop(ctx: Context, graceMs: number): Promise<boolean> {
    this.signal('SIGTERM')
    this.signal('SIGCONT')
    if (await this.empties(ctx, graceMs)) return true
    this.signal('SIGKILL')
    return this.empties(ctx, KILL_TAKES_MS)
  }
}

/** Whether /proc shows a process of the group that is no zombie; `undefined` where there is no /proc. */
function livingMembers(group: number): boolean | undefined {
  let entries: string[]
  try {
    entries = readdirSync('/proc')
  } catch {
    return undefined
  }
  if (!entries.includes('self')) return undefined
  return entries.some((entry) => /^\d+$/.test(entry) && isLivingMember(entry, group))
}

function isLivingMember(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(pgrp) === group && state !== 'Z' && state !== 'X'
  } catch {
    return false // It ended while we looked.
  }
}
