import { type ChildProcess, spawn } from 'node:child_process'
import { aborted } from '../base/abort.ts'
import type { Clock, Instant } from '../base/clock.ts'
import { Failure, messageOf, outOfFiles } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { either } from './guardian-needs.ts'
import { GUARDIAN_SCRIPT, GUARDIAN_VARIABLE, MARKER_VARIABLE } from './guardian-script.ts'

/** A tiny process that outlives us: should we be killed or stopped, it ends the command and gives the lock back. */
export interface Guardian {
  /** Settles when it can be relied on; rejects with the reason of `failed`. Nothing to be guarded may begin before. */
  ready(): Promise<void>
  /** Tells which session it is to give up in our place. */
  answerFor(session: string): void
  /** Has it end the group (if there is one) and give the lock back unless we say so again within `ms` milliseconds. */
  arm(group: number | 'none', ms: number): void
  /** The command has ended; only the lock is left to give back. Must come before the group's id can be used again. */
  disarm(): void
  /**
   * The command has ended, and so do we: the lock is to be given back as soon as Consul answers. Nobody waits for that,
   * so it lets go of our standard error.
   */
  linger(): void
  /** Nothing is left to do. */
  dismiss(): void
  /** Aborts when there is no guardian any more, and none could be started; the reason is a `Failure`. */
  readonly failed: AbortSignal
}

export interface GuardianOptions {
  /** From TERM to KILL, in milliseconds. */
  readonly graceMs: number
  /** Stands in the environment of all of the command's processes, and nowhere else; none when only a group is ended. */
  readonly marker: string | undefined
  /** The command that gives a lock back; the session is added to it. */
  readonly release: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** How to do without a guardian, in words; absent where nobody can. */
  readonly wayOut?: string
}

/** A guardian that dies sooner than this, again and again, won't live. */
const SHORT_LIFE_MS = 1000
const SHORT_LIVES = 3

/** A shell that hasn't begun to read by then never will; so long may a machine be busy. */
const READY_MS = 30_000

/** A time that is longer than the last one by less than this counts as the same; less than `GUARDIAN_SLACK_MS`. */
const SAME_MS = 100

/** All that the script is ever told. It must not be possible to say two things at once, or to have it calculate words. */
const LINES = /^(?:session \w[\w:-]*|arm (?:none|[1-9]\d*) \d+|again|disarm|linger|dismiss)$/

type Orders = 'none' | 'disarmed' | { readonly group: number | 'none'; readonly at: Instant; readonly ms: number }

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
    const start = setImmediate(() => this.#ensure())
    this.#cancelStart = () => clearImmediate(start)
  }

  get failed(): AbortSignal {
    return this.#failed.signal
  }

  async ready(): Promise<void> {
    this.#ensure()
    if (!this.#isReady) {
      const cancel = this.#clock.after(READY_MS, () => this.#fail('no guardian could be started: /bin/sh says nothing'))
      await Promise.race([this.#ready.promise, aborted(this.failed)])
      cancel()
    }
    this.failed.throwIfAborted()
  }

  answerFor(session: string): void {
    this.#ensure()
    this.#session = session
    this.#tell(`session ${session}`)
  }

  arm(group: number | 'none', ms: number): void {
    const last = typeof this.#orders === 'object' && this.#orders.group === group ? this.#orders.ms : Number.NaN
    const isSame = ms >= last && ms < last + SAME_MS
    this.#orders = { group, ms: isSame ? last : ms, at: this.#clock.now() }
    this.#tell(isSame ? 'again' : `arm ${group} ${Math.round(Math.max(0, ms) / 10)}`)
  }

  disarm(): void {
    this.#orders = 'disarmed'
    this.#tell('disarm')
  }

  linger(): void {
    this.#takeLeave('linger')
  }

  dismiss(): void {
    this.#takeLeave('dismiss')
  }

  #takeLeave(word: 'linger' | 'dismiss'): void {
    this.#dismissed = true
    this.#cancelStart()
    this.#tell(word)
  }

  #ensure(): void {
    if (this.#shell || this.failed.aborted) return
    this.#cancelStart()
    this.#startedAt = this.#clock.now()
    this.#shell = this.#start()
    this.#log.mark('guardian started')
  }

  #start(): ChildProcess | undefined {
    const { graceMs, marker = '', release, environment } = this.#options
    const tenths = String(Math.round(graceMs / 100))
    const args = ['-c', `eval "$${GUARDIAN_VARIABLE}"`, 'consul-locker-guardian', tenths, ...release]
    const env = { ...environment, [GUARDIAN_VARIABLE]: GUARDIAN_SCRIPT, [MARKER_VARIABLE]: marker }
    try {
      const shell = spawn('/bin/sh', args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true, env })
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
    }
  }

  #notStarted(thrown: unknown): void {
    this.#fail(`no guardian could be started: ${messageOf(thrown)}`, thrown)
  }

  #fail(sentence: string, thrown?: unknown): void {
    const hint = either('does /bin/sh work?', this.#options.wayOut)
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

  #tell(line: string): void {
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
    if (this.#session) this.answerFor(this.#session)
    if (orders === 'disarmed') this.disarm()
    else if (orders !== 'none') this.arm(orders.group, orders.ms - this.#clock.since(orders.at))
  }
}

/** For those who want none. */
export const NO_GUARDIAN: Guardian = {
  async ready() {},
  answerFor() {},
  arm() {},
  disarm() {},
  linger() {},
  dismiss() {},
  failed: new AbortController().signal,
}
