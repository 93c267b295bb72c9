import type { Context } from '../../../src/base/context.ts'
import type { Application, CallOptions, CallResult, HealthReport } from '../../../src/leader/application/application.ts'
import type { ApplicationCall } from '../../../src/leader/machine/agent-state.ts'
import type { Dice } from '../../virtual/dice.ts'
import type { VirtualClock } from '../../virtual/virtual-clock.ts'
import type { Ledger, Life } from '../ledger.ts'
import type { SimulatedProcess } from '../process.ts'

/** How long calls may take on the agent's clock. */
export const LIMITS = { ensureMs: 20_000, demoteMs: 5000, fenceMs: 5000, graceMs: 1000 } as const

/** So many of the checks of a flaky application fail. */
const FLAKY = 0.03

interface Running {
  readonly call: ApplicationCall
  end(ok: boolean): void
}

/**
 * An application on a machine: it lives on when its agent is stopped or killed, and so do calls under way. It is master
 * from the beginning of its first `ensure-master` until the end of a `demote` or a `fence`.
 */
export class SimulatedApplication {
  readonly node: string
  readonly #time: VirtualClock
  readonly #dice: Dice
  readonly #ledger: Ledger
  readonly #running = new Set<Running>()
  #life: Life | undefined
  isSick = false
  isFlaky = false
  /** Its health says what it is. */
  tellsRole = false
  failsPromotion = false
  hangsDemotion = false
  fenceTakesMs: number | undefined
  /** How much it has. */
  position = 0n
  /** It lacks what was noted of the last master, as long as that stands. */
  lacksNoted: () => boolean = () => false
  /** It gets nothing of what its master has. */
  isStalled = false
  /** The node whose slave it is. */
  following: string | undefined
  onMaster: (application: SimulatedApplication) => void = () => {}

  constructor(node: string, time: VirtualClock, dice: Dice, ledger: Ledger) {
    this.node = node
    this.#time = time
    this.#dice = dice
    this.#ledger = ledger
  }

  get isMaster(): boolean {
    return this.#life !== undefined
  }

  /** Begins a call; what comes of it reaches only `process`. `limitMs` is on the cluster's clock. */
  begin(call: ApplicationCall, fence: number | undefined, limitMs: number, done: (ok: boolean) => void): Running {
    const others = [...this.#running].filter((other) => call === 'ensure-master' || other.call === 'ensure-master')
    for (const other of others) {
      this.#ledger.violations.push(`at ${this.#time.nowMs} ms ${this.node} is called to ${call} during ${other.call}`)
    }
    if (call === 'ensure-master' && !this.#life) {
      this.#life = this.#ledger.begin(this.node, fence ?? 0, this.#time.nowMs)
      this.following = undefined
      this.onMaster(this)
    }
    const hangs = (call === 'demote' && this.hangsDemotion) || (call !== 'fence' && this.#dice.chance(0.02))
    const plannedMs = this.#dice.between(1, call === 'fence' ? 1000 : 3000)
    const fenceMs = call === 'fence' ? this.fenceTakesMs : undefined
    const takesMs = hangs ? Number.POSITIVE_INFINITY : (fenceMs ?? plannedMs)
    let isOver = false
    const running: Running = {
      call,
      end: (ok) => {
        if (isOver) return
        isOver = true
        this.#running.delete(running)
        if (ok && (call === 'demote' || call === 'fence')) this.#die()
        done(ok)
      },
    }
    this.#running.add(running)
    if (takesMs <= limitMs)
      this.#time.after(takesMs, () => running.end(!(call === 'ensure-master' && this.failsPromotion)))
    else this.#time.after(limitMs, () => running.end(false))
    return running
  }

  /** As the end of a process group: nothing that is under way succeeds any more. */
  endCalls(): void {
    for (const running of [...this.#running]) running.end(false)
  }

  #die(): void {
    if (this.#life) this.#ledger.end(this.#life)
    this.#life = undefined
  }

  /** The application as the agent in this process sees it. */
  seenFrom(process: SimulatedProcess): Application {
    return {
      canDemote: true,
      canFence: true,
      canStandBy: false,
      asksReadiness: true,
      health: (ctx) => this.#health(ctx, process),
      call: (ctx, call, terms) => this.#call(ctx, process, call, terms),
    }
  }

  /** A master that is being demoted is closed before that is over. */
  get #role(): Pick<HealthReport, 'role'> {
    const isClosing = [...this.#running].some(({ call }) => call === 'demote')
    return this.tellsRole ? { role: this.isMaster && !isClosing ? 'master' : 'slave' } : {}
  }

  #flakes(): boolean {
    return this.isFlaky && this.#dice.chance(FLAKY)
  }

  #health(ctx: Context, process: SimulatedProcess): Promise<HealthReport> {
    return new Promise((resolve) => {
      this.#time.after(this.#dice.between(1, 50), () =>
        process.enter(() => resolve({ healthy: !this.isSick && !this.#flakes(), message: 'simulated', ...this.#role })),
      )
      ctx.signal.addEventListener('abort', () => resolve({ healthy: false, message: '' }), { once: true })
    })
  }

  #ready(ctx: Context, process: SimulatedProcess): Promise<CallResult> {
    return new Promise((resolve) => {
      this.#time.after(this.#dice.between(1, 100), () =>
        process.enter(() => resolve({ ok: !this.lacksNoted(), message: '', position: this.position })),
      )
      ctx.signal.addEventListener('abort', () => resolve({ ok: false, message: '' }), { once: true })
    })
  }

  #call(
    ctx: Context,
    process: SimulatedProcess,
    call: ApplicationCall,
    { fence, leader, onGroup }: CallOptions,
  ): Promise<CallResult> {
    // What was under way when the process was killed may still be about to call.
    if (process.isDead) return new Promise(() => {})
    if (call === 'ready') return this.#ready(ctx, process)
    const limitMs = call === 'demote' ? LIMITS.demoteMs : call === 'fence' ? LIMITS.fenceMs : LIMITS.ensureMs
    return new Promise((resolve) => {
      const done = (ok: boolean) =>
        process.enter(() => {
          onGroup(undefined)
          if (ok && call === 'ensure-slave') this.following = leader?.node
          resolve({ ok, message: ok ? '' : 'simulated' })
        })
      onGroup(1)
      const running = this.begin(call, fence, limitMs, done)
      const cutShort = () => {
        if (call === 'demote' || call === 'fence') {
          this.#ledger.violations.push(`at ${this.#time.nowMs} ms ${this.node} was cut short in its ${call}`)
        }
        this.#time.after(this.#dice.between(1, 900), () => running.end(false))
      }
      ctx.signal.addEventListener('abort', cutShort, { once: true })
    })
  }
}
