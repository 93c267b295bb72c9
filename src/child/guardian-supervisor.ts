import { aborted } from '../base/abort.ts'
import type { Clock, Instant } from '../base/clock.ts'
import { Failure, outOfFiles, reasonOf } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import type { GuardedGroup, Guardian } from './guardian.ts'
import { hundredths } from './guardian-arguments.ts'
import { withWayOut } from './guardian-prerequisites.ts'
import { GuardianProcess, type GuardianProcessEvents, type GuardianProcessOptions } from './guardian-process.ts'

export interface GuardianOptions extends GuardianProcessOptions {
  /** How to do without a guardian, in words; absent where nobody can. */
  readonly wayOut?: string
}

/** Starts a shell; tests have others. Throws when that fails at once. */
export type StartShell = (
  options: GuardianProcessOptions,
  events: GuardianProcessEvents,
) => Pick<GuardianProcess, 'write' | 'silenceOrphans'>

/** A guardian that dies sooner than this, again and again, won't live. */
const SHORT_LIFE_MS = 1000
const SHORT_LIVES = 3

/** A shell that hasn't begun to read by then never will; so long may a machine be busy. */
const READY_MS = 30_000

/** A time that is longer than the last one by less than this counts as the same; less than `GUARDIAN_SLACK_MS`. */
const SAME_MS = 100

/**
 * All that the script is ever told. It must not be possible to say two things at once, or to have it calculate words.
 */
const LINES = /^(?:session \w[\w:-]*|arm (?:none|[1-9]\d*|\w+=1) \d+ \d+|again|disarm(?: \w+)?|handover|dismiss)$/

interface ArmOrder {
  readonly group: GuardedGroup | 'none'
  readonly at: Instant
  readonly ms: number
  readonly restMs: number
}

type Orders = 'none' | { readonly ended: string } | ArmOrder

/**
 * A guardian that is a shell in a session of its own. When somebody kills it, another takes over what it was told. It
 * starts while we wait for Consul's first answer, and at the latest when it has something to answer for.
 */
export class GuardianSupervisor implements Guardian {
  readonly #clock: Clock
  readonly #log: Log
  readonly #options: GuardianOptions
  readonly #startShell: StartShell
  readonly #failed = new AbortController()
  readonly #cancelStart: () => void
  readonly #ready = Promise.withResolvers<void>()
  #isReady = false
  /** None after a start that failed, too. */
  #shell: ReturnType<StartShell> | undefined
  #startedAt: Instant
  #shortLives = 0
  #session = ''
  #orders: Orders = 'none'
  #dismissed = false

  constructor(
    clock: Clock,
    log: Log,
    options: GuardianOptions,
    startShell: StartShell = (options, events) => new GuardianProcess(options, events),
  ) {
    this.#startShell = startShell
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

  arm(group: GuardedGroup | 'none', ms: number, restMs = this.#options.graceMs): void {
    this.#ensureStarted()
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

  #start(): ReturnType<StartShell> | undefined {
    try {
      return this.#startShell(this.#options, {
        ready: () => {
          this.#isReady = true
          this.#ready.resolve()
        },
        failed: (thrown) => this.#notStarted(thrown),
        ended: () => this.#replace(),
      })
    } catch (thrown) {
      this.#notStarted(thrown)
      return undefined
    }
  }

  #notStarted(thrown: unknown): void {
    this.#fail(`no guardian could be started: ${reasonOf(thrown)}`, thrown)
  }

  #fail(sentence: string, thrown?: unknown): void {
    const hint = withWayOut('does /bin/sh work?', this.#options.wayOut)
    this.#failed.abort(
      outOfFiles('no guardian could be started', thrown) ?? new Failure('usage', sentence, { hint, cause: thrown }),
    )
  }

  #write(line: string): void {
    if (!LINES.test(line)) throw new Error(`no line for a guardian: ${JSON.stringify(line)}`)
    this.#shell?.write(line)
  }

  #replace(): void {
    if (this.#dismissed || this.failed.aborted) return
    this.#shell?.silenceOrphans()
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
