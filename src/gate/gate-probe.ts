import { stat } from 'node:fs/promises'
import type { Context } from '../base/context.ts'
import { probeDatabase } from '../probe/database-probe.ts'
import { probePort } from '../probe/port-probe.ts'
import { type ProbeResult, probeWithin } from '../probe/probe-result.ts'
import { probeUrl } from '../probe/url-probe.ts'
import { type Gate, type GateState, gateState } from './gate.ts'
import { probeName } from './name-probe.ts'

/** A gate that Consul doesn't tell about. */
export type ProbedGate = Exclude<Gate, { kind: 'service' | 'kv' }>

/** What doesn't answer within this time is shut for now. */
const ANSWER_MS = 5000
/** A command that lasts longer is ended, and its gate is shut for now. */
const COMMAND_MS = 30_000

/**
 * Looks once how a gate stands; settles within a few seconds, commands within half a minute. Rejects only with the
 * signal's reason.
 */
export async function probeGate(ctx: Context, gate: ProbedGate, environment: NodeJS.ProcessEnv): Promise<GateState> {
  const { healthy, why } = await probeOnce(ctx, gate, environment)
  return gateState(gate, healthy, why)
}

async function probeOnce(ctx: Context, gate: ProbedGate, environment: NodeJS.ProcessEnv): Promise<ProbeResult> {
  switch (gate.kind) {
    case 'tcp':
    case 'unix':
      return probePort(ctx, gate, ANSWER_MS)
    case 'postgres':
    case 'mysql':
    case 'redis':
      return probeDatabase(ctx, gate.kind, gate.at, ANSWER_MS)
    case 'http':
      return probeUrl(ctx, new URL(gate.url), ANSWER_MS, gate)
    case 'cmd':
      return (await import('../probe/command-probe.ts')).probeCommand(ctx, gate.command, environment, COMMAND_MS)
    case 'dns':
      return probeWithin(ctx, ANSWER_MS, (ctx) => probeName(ctx, gate).then(() => FOUND))
    case 'file':
      return probeWithin(ctx, ANSWER_MS, () => stat(gate.path).then(() => FOUND))
  }
}

const FOUND: ProbeResult = { healthy: true, why: 'it is there', output: '' }
