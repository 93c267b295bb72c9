import { sleep } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { isTransient } from '../consul/reply-failure.ts'
import { readConsulGate } from './consul-gate.ts'
import { type Gate, type GateOf, type GateState, shut } from './gate.ts'
import { type ProbedGate, probeGate } from './gate-probe.ts'

/** What looking at gates needs of the world. */
export interface GateSources {
  /** Opens a client of Consul for a gate that needs one; who asked for it closes it. */
  connect(): Promise<Consul>
  /** For commands. */
  readonly environment: NodeJS.ProcessEnv
}

/** On a busy cluster an index moves all the time, and most of it is not for us. */
const PAUSE_MS = 100

/** First and longest pause between two looks at a gate that is shut; one that is open is looked at at the longest. */
const INTERVALS_MS: Record<ProbedGate['kind'], readonly [number, number]> = {
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
export async function checkGate(ctx: Context, sources: GateSources, gate: Gate): Promise<GateState> {
  if (!isKnownToConsul(gate)) return probeGate(ctx, gate, sources.environment)
  const consul = await sources.connect()
  try {
    return (await readConsulGate(ctx, inDatacenterOf(consul, gate), gate, {})).state
  } finally {
    consul.close()
  }
}

/**
 * Reports how a gate stands, at once and whenever that may have changed, until the context's signal ends it. What
 * Consul knows is told as it happens; the rest is looked at again and again, after `intervalMs` if that is given.
 * Rejects with a `Failure` that doesn't pass.
 */
export async function watchGate(
  ctx: Context,
  sources: GateSources,
  gate: Gate,
  report: (state: GateState) => void,
  intervalMs?: number,
): Promise<never> {
  if (!isKnownToConsul(gate)) return watchByProbes(ctx, sources, gate, report, intervalMs)
  const consul = await sources.connect()
  try {
    return await watchAtConsul(ctx, inDatacenterOf(consul, gate), gate, report)
  } finally {
    consul.close()
  }
}

function isKnownToConsul(gate: Gate): gate is GateOf<'service' | 'kv'> {
  return gate.kind === 'service' || gate.kind === 'kv'
}

function inDatacenterOf(consul: Consul, gate: GateOf<'service' | 'kv'>): Consul {
  const elsewhere = gate.kind === 'service' ? gate.datacenter : undefined
  return elsewhere === undefined ? consul : consul.inDatacenter(elsewhere)
}

async function watchAtConsul(
  ctx: Context,
  consul: Consul,
  gate: GateOf<'service' | 'kv'>,
  report: (state: GateState) => void,
): Promise<never> {
  const backoff = new Backoff(ctx.random)
  const query = new BlockingQuery((ctx, from) => readConsulGate(ctx, consul, gate, from))
  let index = 0
  for (;;) {
    try {
      const seen = await query.next(ctx)
      report(seen.state)
      backoff.reset()
      if (seen.index !== index) await sleep(ctx, PAUSE_MS)
      index = seen.index
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      if (!isPassing(thrown, consul) || consul.reachability.leftMs(ctx.clock) <= 0) throw thrown
      report(shut(thrown.message))
      await sleep(ctx, backoff.next())
    }
  }
}

/** A wait for a cluster may begin before its agents, its leader or its other datacenters are there. */
function isPassing(thrown: unknown, consul: Consul): thrown is Failure {
  if (isTransient(thrown, consul)) return true
  return thrown instanceof Failure && /No path to datacenter/i.test(thrown.message)
}

async function watchByProbes(
  ctx: Context,
  { environment }: GateSources,
  gate: ProbedGate,
  report: (state: GateState) => void,
  intervalMs: number | undefined,
): Promise<never> {
  const [firstMs, longestMs] = INTERVALS_MS[gate.kind]
  const backoff = new Backoff(ctx.random, firstMs, longestMs)
  for (;;) {
    const state = await probeGate(ctx, gate, environment)
    report(state)
    if (state.open) backoff.reset()
    await sleep(ctx, intervalMs ?? (state.open ? longestMs : backoff.next()))
  }
}
