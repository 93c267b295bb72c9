import { firstOf, sleep, unlessAborted } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { type Gate, type GateState, shut } from './gate.ts'
import { checkGate, type GateSources, watchGate } from './gate-watch.ts'

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
  sources: GateSources,
  gates: readonly Gate[],
  wait: GateWait,
): Promise<GatesEnd> {
  warnOfInsecure(ctx, gates)
  const states = new GateStates(gates, wait.any ?? false)
  if (wait.timeoutMs <= 0) {
    const look = (ctx: Context) => async (gate: Gate) => states.set(gate, await checkGate(ctx, sources, gate))
    return firstOf(ctx, [(ctx) => Promise.all(gates.map(look(ctx))).then(() => states.end())])
  }
  return firstOf<GatesEnd>(ctx, [
    (ctx) => untilDecided(ctx, states, wait),
    ...gates.map((gate) => (ctx: Context) => {
      return watchGate(ctx, sources, gate, (state) => states.set(gate, state), wait.intervalMs)
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
  states: GateStates,
  { timeoutMs, steadyMs = 0, onMissing }: GateWait,
): Promise<GatesEnd> {
  const beganAt = ctx.clock.now()
  let openSince: Instant | undefined
  for (;;) {
    const changed = states.changed()
    const isOpen = states.isOpen
    openSince = isOpen ? (openSince ?? ctx.clock.now()) : undefined
    const leftMs = openSince ? steadyMs - ctx.clock.since(openSince) : timeoutMs - ctx.clock.since(beganAt)
    if (leftMs <= 0) return states.end()
    onMissing?.(isOpen ? [] : states.missing)
    await firstOf(ctx, [
      (ctx) => unlessAborted(ctx.signal, changed),
      (ctx) => (Number.isFinite(leftMs) ? sleep(ctx, leftMs) : unlessAborted(ctx.signal, changed)),
    ])
  }
}

/** How all gates stand just now. */
class GateStates {
  readonly #any: boolean
  readonly #states: Map<Gate, GateState>
  #wake: () => void = () => {}

  constructor(gates: readonly Gate[], any: boolean) {
    this.#any = any
    this.#states = new Map(gates.map((gate) => [gate, shut('no answer yet')]))
  }

  set(gate: Gate, state: GateState): void {
    this.#states.set(gate, state)
    this.#wake()
  }

  /** Settles at the next change. */
  changed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise
  }

  get isOpen(): boolean {
    const { size } = this.#states
    const shut = this.missing.length
    return shut === 0 || (this.#any && shut < size)
  }

  get missing(): readonly Missing[] {
    return [...this.#states].flatMap(([gate, state]) => (state.open ? [] : [{ gate, why: state.why }]))
  }

  end(): GatesEnd {
    return { passed: this.isOpen, missing: this.missing }
  }
}
