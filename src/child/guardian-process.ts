import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { OWN_EXECUTABLE } from './executable.ts'
import { GUARDIAN_VARIABLE, guardianArguments, MARKER_VARIABLE } from './guardian-arguments.ts'
import { GUARDIAN_SCRIPT } from './guardian-script.ts'

/** Most leases are over sooner. */
const ORPHAN_LOOK_MS = 60_000

/** `O_PATH` of fcntl.h, which Node doesn't name: a program that may be run need not be readable. */
const O_PATH = 0o10000000

export interface GuardianProcessOptions {
  /** What tells the group to end; TERM unless it is told. */
  readonly signal?: NodeJS.Signals
  /** From that to KILL, in milliseconds. */
  readonly graceMs: number
  /** Should it be killed together with us: so long may it take what is left of it to notice, in milliseconds. */
  readonly orphanLookMs?: number
  /** Stands in the environment of all of the command's processes, and nowhere else; none when only a group is ended. */
  readonly marker: string | undefined
  /** The command that gives a lock back, by ourselves mostly; the session is added to it. */
  readonly release: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

/** What is heard of a guardian's shell. */
export interface GuardianProcessEvents {
  /** It has begun to read. */
  ready(): void
  /** It could not be started. */
  failed(thrown: unknown): void
  /** It has ended, by itself or killed. */
  ended(): void
}

/** One shell that is a guardian, in a session of its own, for as long as it lives. */
export class GuardianProcess {
  readonly #process: ChildProcess

  /** Starts it. Throws when that fails at once; what fails later is told by `events`. */
  constructor(options: GuardianProcessOptions, events: GuardianProcessEvents) {
    const { signal = 'SIGTERM', graceMs, orphanLookMs = ORPHAN_LOOK_MS, marker = '', release, environment } = options
    const args = guardianArguments({ signal, graceMs, orphanLookMs, release })
    const env = { ...environment, [GUARDIAN_VARIABLE]: GUARDIAN_SCRIPT, [MARKER_VARIABLE]: marker }
    const own = release[0] === process.execPath ? openSync(OWN_EXECUTABLE, O_PATH) : undefined
    try {
      const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', ...(own === undefined ? [] : [own])]
      const shell = spawn('/bin/sh', args, { stdio, detached: true, env })
      // Broken pipes are told by the end of the process.
      shell.stdin?.on('error', () => {})
      shell.stdout?.once('data', () => {
        shell.stdout?.destroy()
        events.ready()
      })
      shell.once('error', (thrown) => events.failed(thrown))
      shell.once('exit', () => events.ended())
      this.#process = shell
    } finally {
      if (own !== undefined) closeSync(own)
    }
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  /** A killed guardian's timer lives on, and would end the command that another one guards by then. */
  silenceOrphans(): void {
    try {
      process.kill(-(this.#process.pid as number), 'SIGKILL')
    } catch {
      // There is none.
    }
  }
}
