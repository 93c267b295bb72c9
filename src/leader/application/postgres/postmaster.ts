import { readFileSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { killed, type OwnProcess, signal, workingIn } from '../own-process.ts'
import { type PostmasterFile, parsePostmasterFile } from './postmaster-file.ts'

const PROGRAMS = ['postgres', 'postmaster']
const LOOK_MS = 50

/** A process of a server's. */
export interface ServerProcess extends OwnProcess {
  /** How it calls itself: `postgres: walsender postgres 10.0.0.2(40112) streaming 0/3000148`. */
  readonly title: string
}

/** A server that runs: what it says of itself, and its first process. */
export interface RunningServer extends PostmasterFile {
  readonly process: ServerProcess
}

/**
 * The processes of the server of one data directory. All of them work in it, and by that they are known: a process id
 * in `postmaster.pid` may be anybody's since a reboot, another cluster's server too.
 */
export class Postmaster {
  readonly #data: string

  constructor(data: string) {
    this.#data = data
  }

  /** The server, when it runs: starting and stopping ones, too. */
  get running(): RunningServer | undefined {
    const file = parsePostmasterFile(read(this.#file))
    const process = file && this.processes.find(({ pid }) => pid === file.pid)
    return process && { ...file, process }
  }

  /** All that runs of it: a backend can outlive the postmaster. */
  get processes(): ServerProcess[] {
    const isServers = ({ pid }: OwnProcess) => PROGRAMS.includes(read(`/proc/${pid}/comm`).trim())
    const title = (pid: number) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
    return workingIn(this.#path)
      .filter(isServers)
      .map((process) => ({ ...process, title: title(process.pid) }))
  }

  /** Removes the file of a server that is gone: PostgreSQL would take whoever has the process id for that one. */
  removeStaleFile(): void {
    if (this.processes.length === 0) rmSync(this.#file, { force: true })
  }

  /** Kills all of it, and settles when nothing of it runs. */
  async kill(ctx: Context): Promise<void> {
    const postmaster = this.running?.process
    // One that runs would start others for those that fall; and a backend that outlives it could still commit.
    if (postmaster) signal(postmaster, 'SIGSTOP')
    for (let all = this.processes; all.length > 0; all = this.processes) {
      await killed(
        ctx,
        all.filter(({ pid }) => pid !== postmaster?.pid),
      )
      if (postmaster) await killed(ctx, [postmaster])
      await sleep(ctx, LOOK_MS)
    }
  }

  get #file(): string {
    return join(this.#data, 'postmaster.pid')
  }

  get #path(): string {
    try {
      return realpathSync(this.#data)
    } catch {
      return this.#data
    }
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
