import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { aborted } from '../base/abort.ts'
import type { Clock, Instant } from '../base/clock.ts'
import { Failure, messageOf, outOfFiles } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { OWN_EXECUTABLE } from './executable.ts'
import { withWayOut } from './guardian-prerequisites.ts'
import {
  GUARDIAN_SCRIPT,
  GUARDIAN_VARIABLE,
  guardianArguments,
  hundredths,
  MARKER_VARIABLE,
} from './guardian-script.ts'

/** A tiny process that outlives us: should we be killed or stopped, it ends the command and gives the lock back. */
export interface Guardian {
  /** Settles when it can be relied on; rejects with the reason of `failed`. Nothing to be guarded may begin before. */
  ready(): Promise<void>
  /** Tells which session it is to give up in our place. */
  setSession(session: string): void
  /**
   * Has it end the group (if there is one) and give the lock back when we die, or don't say so again within `ms`
   * milliseconds. KILL follows TERM by the grace, and those `ms` by `restMs` at the most, which is the grace by default.
   */
  arm(group: number | 'none', ms: number, restMs?: number): void
  /**
   * The command has ended, by this word (letters, digits) if there is one; only the lock is left to give back. Must come
   * before the group's id can be used again.
   */
  disarm(ended?: string): void
  /**
   * The command has ended, and so do we: the lock is the guardian's to give back, as soon as Consul answers. Nobody
   * waits for that, so it lets go of our standard error.
   */
  handOver(): void
  /** Nothing is left to do. */
  dismiss(): void
  /** Aborts when there is no guardian any more, and none could be started; the reason is a `Failure`. */
  readonly failed: AbortSignal
}

export interface GuardianOptions {
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
  /** How to do without a guardian, in words; absent where nobody can. */
  readonly wayOut?: string
}

/** A guardian that dies sooner than this, again and again, won't live. */
const SHORT_LIFE_MS = 1000
const SHORT_LIVES = 3

/** Most leases are over sooner. */
const ORPHAN_LOOK_MS = 60_000

/** A shell that hasn't begun to read by then never will; so long may a machine be busy. */
const READY_MS = 30_000

/** `O_PATH` of fcntl.h, which Node doesn't name: a program that may be run need not be readable. */
const O_PATH = 0o10000000

/** A time that is longer than the last one by less than this counts as the same; less than `GUARDIAN_SLACK_MS`. */
const SAME_MS = 100

/** All that the script is ever told. It must not be possible to say two things at once, or to have it calculate words. */
const LINES = /^(?:session \w[\w:-]*|arm (?:none|[1-9]\d*) \d+ \d+|again|disarm(?: \w+)?|handover|dismiss)$/

interface ArmOrder {
  readonly group: number | 'none'
  readonly at: Instant
  readonly ms: number
  readonly restMs: number
}

type Orders = 'none' | { readonly ended: string } | ArmOrder

/**
 * A guardian that is a shell in a session of its own. When somebody kills it, another takes over what it was told. It
 * starts while we wait for Consul's first answer, and at the latest when it has something to answer for.
 */
export class ShellGuardian implements Guardian {
  readonly #clock: Clock
  readonly #log: Log
  readonly #options: GuardianOptions
  readonly #failed = new AbortController()
  readonly #cancelStart: () => void
  readonly #ready = Promise.withResolvers<void>()
  #isReady = false
  /** None after a start that failed, too. */
  #shell: ChildProcess | undefined
  #startedAt: Instant
  #shortLives = 0
  #session = ''
  #orders: Orders = 'none'
  #dismissed = false

  constructor(clock: Clock, log: Log, options: GuardianOptions) {
    this.#clock = clock
    this.#log = log
    this.#options = options
    this.#startedAt = clock.now()
    // By then a connection to Consul is there and the first request on its way: starting a process takes as long as
    // Consul takes to answer.
    const start = setImmediate(() => this.#ensureStarted())
    this.#cancelStart = () => clearImmediate(start)
  }

  get failed(): AbortSignal {
    return this.#failed.signal
  }

  async ready(): Promise<void> {
    this.#ensureStarted()
    if (!this.#isReady) {
      const cancel = this.#clock.after(READY_MS, () => this.#fail('no guardian could be started: /bin/sh says nothing'))
      await Promise.race([this.#ready.promise, aborted(this.failed)])
      cancel()
    }
    this.failed.throwIfAborted()
  }

  setSession(session: string): void {
    this.#ensureStarted()
    this.#session = session
    this.#write(`session ${session}`)
  }

  arm(group: number | 'none', ms: number, restMs = this.#options.graceMs): void {
    const last = this.#orders
    const isSame =
      typeof last === 'object' &&
      'group' in last &&
      last.group === group &&
      last.restMs === restMs &&
      isAbout(ms, last.ms)
    this.#orders = { group, ms: isSame ? last.ms : ms, restMs, at: this.#clock.now() }
    // What is overdue has used up some of what comes after it.
    const line = `arm ${group} ${hundredths(ms)} ${hundredths(restMs + Math.min(0, ms))}`
    this.#write(isSame ? 'again' : line)
  }

  disarm(ended = ''): void {
    this.#orders = { ended }
    this.#write(`disarm ${ended}`.trim())
  }

  handOver(): void {
    this.#finish('handover')
  }

  dismiss(): void {
    this.#finish('dismiss')
  }

  #finish(word: 'handover' | 'dismiss'): void {
    this.#dismissed = true
    this.#cancelStart()
    this.#write(word)
  }

  #ensureStarted(): void {
    if (this.#shell || this.failed.aborted) return
    this.#cancelStart()
    this.#startedAt = this.#clock.now()
    this.#shell = this.#start()
    this.#log.mark('guardian started')
  }

  #start(): ChildProcess | undefined {
    const {
      signal = 'SIGTERM',
      graceMs,
      orphanLookMs = ORPHAN_LOOK_MS,
      marker = '',
      release,
      environment,
    } = this.#options
    const args = guardianArguments({ signal, graceMs, orphanLookMs, release })
    const env = { ...environment, [GUARDIAN_VARIABLE]: GUARDIAN_SCRIPT, [MARKER_VARIABLE]: marker }
    let own: number | undefined
    try {
      if (release[0] === process.execPath) own = openSync(OWN_EXECUTABLE, O_PATH)
      const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', ...(own === undefined ? [] : [own])]
      const shell = spawn('/bin/sh', args, { stdio, detached: true, env })
      // Broken pipes are told by the end of the process.
      shell.stdin?.on('error', () => {})
      shell.stdout?.once('data', () => {
        shell.stdout?.destroy()
        this.#isReady = true
        this.#ready.resolve()
      })
      shell.once('error', (thrown) => this.#notStarted(thrown))
      shell.once('exit', () => this.#replace())
      return shell
    } catch (thrown) {
      this.#notStarted(thrown)
      return undefined
    } finally {
      if (own !== undefined) closeSync(own)
    }
  }

  #notStarted(thrown: unknown): void {
    this.#fail(`no guardian could be started: ${messageOf(thrown)}`, thrown)
  }

  #fail(sentence: string, thrown?: unknown): void {
    const hint = withWayOut('does /bin/sh work?', this.#options.wayOut)
    this.#failed.abort(
      outOfFiles('no guardian could be started', thrown) ?? new Failure('usage', sentence, { hint, cause: thrown }),
    )
  }

  /** A killed guardian's timer lives on, and would end the command that another one guards by then. */
  #silenceOrphans(): void {
    try {
      process.kill(-(this.#shell?.pid as number), 'SIGKILL')
    } catch {
      // There is none.
    }
  }

  #write(line: string): void {
    if (!LINES.test(line)) throw new Error(`no line for a guardian: ${JSON.stringify(line)}`)
    this.#shell?.stdin?.write(`${line}\n`)
  }

  #replace(): void {
    if (this.#dismissed || this.failed.aborted) return
    this.#silenceOrphans()
    this.#shortLives = this.#clock.since(this.#startedAt) < SHORT_LIFE_MS ? this.#shortLives + 1 : 0
    if (this.#shortLives >= SHORT_LIVES) {
      this.#fail('no guardian could be kept alive')
      return
    }
    if (this.#isReady) this.#log.warn('the guardian was killed; started another')
    this.#startedAt = this.#clock.now()
    this.#shell = this.#start()
    const orders = this.#orders
    this.#orders = 'none'
    if (this.#session) this.setSession(this.#session)
    if (orders === 'none') return
    if ('ended' in orders) this.disarm(orders.ended)
    else this.arm(orders.group, orders.ms - this.#clock.since(orders.at), orders.restMs)
  }
}

function isAbout(ms: number, lastMs: number): boolean {
  return ms >= lastMs && ms < lastMs + SAME_MS
}

/** For those who want none. */
export const NO_GUARDIAN: Guardian = {
  async ready() {},
  setSession() {},
  arm() {},
  disarm() {},
  handOver() {},
  dismiss() {},
  failed: new AbortController().signal,
}
