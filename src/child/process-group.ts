import assert from 'node:assert'
import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { type GroupMember, livingMembers, type ProcessTraces } from './group-members.ts'

/** Nothing tells when a group is empty, so it is looked at this often. */
const LOOK_MS = 50
/** A process that KILL doesn't end within this time hangs in the kernel (dead disk, dead NFS server). */
const KILL_TAKES_MS = 5000

/** A command's process group, by the id of its first process, and what has left it. */
export class ProcessGroup {
  readonly id: number
  readonly #traces: ProcessTraces

  constructor(id: number, traces: ProcessTraces) {
    assert(Number.isSafeInteger(id) && id > 1, 'a signal to the group 0 or 1 would be one to ourselves or to everybody')
    this.id = id
    this.#traces = traces
  }

  /** Sends a signal to every process of the group; `false` when there is none. */
  signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.id, signal)
    } catch (thrown) {
      // EPERM: processes are there, but all belong to somebody else by now (setuid).
      return (thrown as NodeJS.ErrnoException).code === 'EPERM'
    }
  }

  /** Settles once no process of the group or its session runs; daemons that left it may. */
  async emptied(ctx: Context): Promise<void> {
    while (livingMembers(this.id)?.length ?? this.signal(0)) await sleep(ctx, LOOK_MS)
  }

  /**
   * TERM, or another signal, `graceMs` of time, KILL, for the group and what has left it. Settles with whether all are
   * gone; if not, KILL didn't help. Stopped processes are continued, so that they can take the signal.
   */
  async stop(ctx: Context, graceMs: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<boolean> {
    this.#signalAll(signal)
    this.#signalAll('SIGCONT')
    if (await this.#goneWithin(ctx, graceMs)) return true
    this.#signalAll('SIGKILL')
    return this.#goneWithin(ctx, KILL_TAKES_MS)
  }

  /** The group at one blow, then those that left it. */
  #signalAll(signal: NodeJS.Signals): void {
    this.signal(signal)
    for (const { pid, group } of this.#living() ?? []) if (group !== this.id) signalOne(pid, signal)
  }

  async #goneWithin(ctx: Context, ms: number): Promise<boolean> {
    const start = ctx.clock.now()
    while (this.#living()?.length ?? this.signal(0)) {
      if (ctx.clock.since(start) >= ms) return false
      await sleep(ctx, LOOK_MS)
    }
    return true
  }

  #living(): GroupMember[] | undefined {
    return livingMembers(this.id, this.#traces)
  }
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended meanwhile.
  }
}
