import { sleep } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { isTransient } from '../consul/trouble.ts'
import { sight } from './consul-sight.ts'
import { type Gate, type GateOf, shut, type Verdict } from './gate.ts'
import { type ProbedGate, probe } from './probe.ts'

/** What looking at gates needs of the world. */
export interface GateWorld {
  /** Opens a client of Consul for a gate that needs one; who asked for it closes it. */
  connect(): Promise<Consul>
  /** For commands. */
  readonly environment: NodeJS.ProcessEnv
}

/** On a busy cluster an index moves all the time, and most of it is not for us. */
const BREATH_MS = 100

/** First and longest pause between two looks at a gate that is shut; one that is open is looked at at the longest. */
const PACE_MS: Record<ProbedGate['kind'], readonly [number, number]> = {
  tcp: [250, 2000],
  unix: [250, 2000],
  postgres: [250, 2000],
  mysql: [250, 2000],
  redis: [250, 2000],
  http: [250, 2000],
  dns: [250, 2000],
  // A watch by the kernel would miss what another machine does on a shared disk.
  file: [200, 1000],
  cmd: [500, 5000],
}

/** Looks once. Rejects with a `Failure` when Consul can't be asked, and with the signal's reason. */
export async function lookAt(ctx: Context, world: GateWorld, gate: Gate): Promise<Verdict> {
  if (!isConsuls(gate)) return probe(ctx, gate, world.environment)
  const consul = await world.connect()
  try {
    return (await sight(ctx, ofGate(consul, gate), gate, 0)).verdict
  } finally {
    consul.close()
  }
}

/**
 * Reports how a gate stands, at once and whenever that may have changed, until the context's signal ends it. What
 * Consul knows is told as it happens; the rest is looked at again and again, after `intervalMs` if that is given. Rejects with a `Failure` that doesn't pass.
 */
export async function watchGate(
  ctx: Context,
  world: GateWorld,
  gate: Gate,
  report: (verdict: Verdict) => void,
  intervalMs?: number,
): Promise<never> {
  if (!isConsuls(gate)) return watchByProbes(ctx, world, gate, report, intervalMs)
  const consul = await world.connect()
  try {
    return await watchAtConsul(ctx, ofGate(consul, gate), gate, report)
  } finally {
    consul.close()
  }
}

function isConsuls(gate: Gate): gate is GateOf<'service' | 'kv'> {
  return gate.kind === 'service' || gate.kind === 'kv'
}

function ofGate(consul: Consul, gate: GateOf<'service' | 'kv'>): Consul {
  const elsewhere = gate.kind === 'service' ? gate.datacenter : undefined
  return elsewhere === undefined ? consul : consul.inDatacenter(elsewhere)
}

async function watchAtConsul(
  ctx: Context,
  consul: Consul,
  gate: GateOf<'service' | 'kv'>,
  report: (verdict: Verdict) => void,
): Promise<never> {
  const backoff = new Backoff(ctx.random)
  let index = 0
  for (;;) {
    try {
      const seen = await sight(ctx, consul, gate, index)
      report(seen.verdict)
      backoff.reset()
      if (seen.index !== index) await sleep(ctx, BREATH_MS)
      index = seen.index
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      if (!mayPass(thrown, consul) || consul.reach.leftMs(ctx.clock) <= 0) throw thrown
      report(shut(thrown.message))
      index = 0
      await sleep(ctx, backoff.next())
    }
  }
}

/** Who waits for a cluster to come up may be there before its agents, its leader or its other datacenters. */
function mayPass(thrown: unknown, consul: Consul): thrown is Failure {
  if (isTransient(thrown, consul)) return true
  return thrown instanceof Failure && /No path to datacenter/i.test(thrown.message)
}

async function watchByProbes(
  ctx: Context,
  { environment }: GateWorld,
  gate: ProbedGate,
  report: (verdict: Verdict) => void,
  intervalMs: number | undefined,
): Promise<never> {
  const [firstMs, longestMs] = PACE_MS[gate.kind]
  const backoff = new Backoff(ctx.random, firstMs, longestMs)
  for (;;) {
    const verdict = await probe(ctx, gate, environment)
    report(verdict)
    if (verdict.open) backoff.reset()
    await sleep(ctx, intervalMs ?? (verdict.open ? longestMs : backoff.next()))
  }
}
