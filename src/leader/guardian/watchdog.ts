import { closeSync, constants, openSync, readdirSync, readlinkSync, realpathSync, writeSync } from 'node:fs'
import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { reasonOf } from '../../base/failure.ts'

const { O_APPEND, O_NONBLOCK, O_WRONLY } = constants
/** The magic close: without it the device goes on counting; Documentation/watchdog/watchdog-api.rst. */
const DISARM = 'V'
const SIGN_OF_LIFE = '\0'
const LOOK_MS = 50
const LOOKS = 40

/** A watchdog that resets the machine unless it gets a sign of life within its timeout, while it is armed. */
export class Watchdog {
  readonly #device: string
  #descriptor: number | undefined

  constructor(device: string) {
    this.#device = device
  }

  get isArmed(): boolean {
    return this.#descriptor !== undefined
  }

  /** From now on it counts. Throws what the file system throws: another program may have it. */
  arm(): void {
    this.#descriptor ??= openSync(this.#device, O_WRONLY | O_NONBLOCK | O_APPEND)
  }

  /** It counts anew. Throws what the file system throws. */
  pet(): void {
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, SIGN_OF_LIFE)
  }

  /** It counts no more. Throws what the file system throws, and then it still does. */
  disarm(): void {
    if (this.#descriptor === undefined) return
    writeSync(this.#descriptor, DISARM)
    closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}

/**
 * Disarms the watchdog of an agent that is dead, or that hangs and keeps the device open; that one is killed, for
 * nobody else can have the device before. Its application must be no master any more. Never rejects: then the machine
 * is reset.
 */
export async function disarmAfter(ctx: Context, device: string, agentPid: number): Promise<void> {
  const watchdog = new Watchdog(device)
  for (let looks = 0; ; looks++) {
    try {
      watchdog.arm()
      watchdog.disarm()
      return
    } catch (thrown) {
      if (looks >= LOOKS) {
        ctx.log.error(`the watchdog can't be disarmed, and will reset this machine: ${reasonOf(thrown)}`)
        return
      }
      if ((thrown as NodeJS.ErrnoException).code === 'EBUSY' && hasOpen(agentPid, device)) kill(agentPid)
    }
    await sleep(ctx, LOOK_MS)
  }
}

/** Whether this process has the device open: a pid alone may be anybody's by now. */
function hasOpen(pid: number, device: string): boolean {
  try {
    const path = realpathSync(device)
    return readdirSync(`/proc/${pid}/fd`).some((name) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${name}`) === path
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}
