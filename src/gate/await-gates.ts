import { firstOf, sleep, unlessAborted } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { type Gate, shut, type Verdict } from './gate.ts'
import { type GateWorld, lookAt, watchGate } from './watch.ts'

/** How gates are waited for. */
export interface GateWait {
  /** For so long at most, in milliseconds; `Infinity` is for ever, 0 looks once. */
  readonly timeoutMs: number
  /** One open gate is enough. */
  readonly any?: boolean
  /** They must stay open for so long without a break, in milliseconds; the timeout doesn't count meanwhile. */
  readonly steadyMs?: number
  /** What Consul doesn't tell of is looked at so often, in milliseconds; by default at a pace that suits its kind. */
  readonly intervalMs?: number
  /** Hears what is missing, at first and whenever a gate was looked at; nothing, while they must stay open. */
  readonly onMissing?: (missing: readonly Missing[]) => void
}

/** A gate that is shut. */
export interface Missing {
  readonly gate: Gate
  readonly why: string
}

/** Whether the gates were open, all at the same time (or one, for `any`); if not, those that were shut at the end. */
export interface GatesEnd {
  readonly passed: boolean
  readonly missing: readonly Missing[]
}

/**
 * Waits until all gates are open at the same time; watches all of them at once. Passing trouble with Consul counts as a
 * shut gate. Rejects with a `Failure` that doesn't pass (any, when looking just once), and with the signal's reason.
 */
export async function awaitGates(
  ctx: Context,
  world: GateWorld,
  gates: readonly Gate[],
  wait: GateWait,
): Promise<GatesEnd> {
  warnOfInsecure(ctx, gates)
  const board = new Board(gates, wait.any ?? false)
  if (wait.timeoutMs <= 0) {
    const look = (ctx: Context) => async (gate: Gate) => board.set(gate, await lookAt(ctx, world, gate))
    return firstOf(ctx, [(ctx) => Promise.all(gates.map(look(ctx))).then(() => board.end())])
  }
  return firstOf<GatesEnd>(ctx, [
    (ctx) => untilDecided(ctx, board, wait),
    ...gates.map((gate) => (ctx: Context) => {
      return watchGate(ctx, world, gate, (verdict) => board.set(gate, verdict), wait.intervalMs)
    }),
  ])
}

/** What this process has been warned of: a run looks at its gates more than once. */
const warned = new WeakSet<Gate>()

function warnOfInsecure(ctx: Context, gates: readonly Gate[]): void {
  for (const gate of gates) {
    if (gate.kind !== 'http' || !gate.isInsecure || warned.has(gate)) continue
    warned.add(gate)
    ctx.log.warn(`no certificate is verified for ${gate.text}: whoever answers there is believed`)
  }
}

async function untilDecided(
  ctx: Context,
  board: Board,
  { timeoutMs, steadyMs = 0, onMissing }: GateWait,
): Promise<GatesEnd> {
  const beganAt = ctx.clock.now()
  let openSince: Instant | undefined
  for (;;) {
    const news = board.news()
    const isOpen = board.isOpen
    openSince = isOpen ? (openSince ?? ctx.clock.now()) : undefined
    const leftMs = openSince ? steadyMs - ctx.clock.since(openSince) : timeoutMs - ctx.clock.since(beganAt)
    if (leftMs <= 0) return board.end()
    onMissing?.(isOpen ? [] : board.missing)
    await firstOf(ctx, [
      (ctx) => unlessAborted(ctx.signal, news),
      (ctx) => (Number.isFinite(leftMs) ? sleep(ctx, leftMs) : unlessAborted(ctx.signal, news)),
    ])
  }
}

/** How all gates stand just now. */
class Board {
  readonly #any: boolean
  readonly #verdicts: Map<Gate, Verdict>
  #wake: () => void = () => {}

  constructor(gates: readonly Gate[], any: boolean) {
    this.#any = any
    this.#verdicts = new Map(gates.map((gate) => [gate, shut('no answer yet')]))
  }

  set(gate: Gate, verdict: Verdict): void {
    this.#verdicts.set(gate, verdict)
    this.#wake()
  }

  /** Settles at the next verdict. */
  news(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise
  }

  get isOpen(): boolean {
    const { size } = this.#verdicts
    const shut = this.missing.length
    return shut === 0 || (this.#any && shut < size)
  }

  get missing(): readonly Missing[] {
    return [...this.#verdicts].flatMap(([gate, verdict]) => (verdict.open ? [] : [{ gate, why: verdict.why }]))
  }

  end(): GatesEnd {
    return { passed: this.isOpen, missing: this.missing }
  }
}
