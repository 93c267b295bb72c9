import type { Context } from '../../../src/base/context.ts'
import type { VirtualClock } from '../../../src/devagent/virtual-clock.ts'
import type { Application, CallEnd, CallTerms, Report } from '../../../src/leader/application.ts'
import type { Call } from '../../../src/leader/machine/state.ts'
import type { Dice } from '../dice.ts'
import type { Ledger, Life } from '../ledger.ts'
import type { SimulatedProcess } from '../process.ts'

/** How long calls may take on the agent's clock. */
export const LIMITS = { ensureMs: 20_000, demoteMs: 5000, fenceMs: 5000, graceMs: 1000 } as const

interface Running {
  readonly call: Call
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
  failsPromotion = false
  hangsDemotion = false

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
  begin(call: Call, fence: number | undefined, limitMs: number, done: (ok: boolean) => void): Running {
    const others = [...this.#running].filter((other) => call === 'ensure-master' || other.call === 'ensure-master')
    for (const other of others) {
      this.#ledger.violations.push(`at ${this.#time.nowMs} ms ${this.node} is called to ${call} during ${other.call}`)
    }
    if (call === 'ensure-master') this.#life ??= this.#ledger.begin(this.node, fence ?? 0, this.#time.nowMs)
    const hangs = (call === 'demote' && this.hangsDemotion) || (call !== 'fence' && this.#dice.chance(0.02))
    const takesMs = hangs ? Number.POSITIVE_INFINITY : this.#dice.between(1, call === 'fence' ? 1000 : 3000)
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
      asksReadiness: false,
      health: (ctx) => this.#health(ctx, process),
      call: (ctx, call, terms) => this.#call(ctx, process, call, terms),
    }
  }

  #health(ctx: Context, process: SimulatedProcess): Promise<Report> {
    return new Promise((resolve) => {
      this.#time.after(this.#dice.between(1, 50), () =>
        process.enter(() => resolve({ healthy: !this.isSick, message: 'simulated' })),
      )
      ctx.signal.addEventListener('abort', () => resolve({ healthy: false, message: '' }), { once: true })
    })
  }

  #call(ctx: Context, process: SimulatedProcess, call: Call, { fence, onGroup }: CallTerms): Promise<CallEnd> {
    const limitMs = call === 'demote' ? LIMITS.demoteMs : call === 'fence' ? LIMITS.fenceMs : LIMITS.ensureMs
    return new Promise((resolve) => {
      const done = (ok: boolean) =>
        process.enter(() => {
          onGroup(undefined)
          resolve({ ok, message: ok ? '' : 'simulated' })
        })
      onGroup(1)
      const running = this.begin(call, fence, limitMs, done)
      ctx.signal.addEventListener(
        'abort',
        () => this.#time.after(this.#dice.between(1, 900), () => running.end(false)),
        {
          once: true,
        },
      )
    })
  }
}
