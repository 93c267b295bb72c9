import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { awaitGates, type GateWait } from '../gate/await-gates.ts'
import type { Gate } from '../gate/gate.ts'
import { parseGate } from '../gate/grammar.ts'
import { describeMissing, MissingLine } from '../gate/missing-line.ts'
import type { GateWorld } from '../gate/watch.ts'
import type { World } from '../run/job.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { allGiven, givenIn, type Parsed } from './parse.ts'

const RELEASE_TIMEOUT_MS = 600_000

/** The gates that options put around a run. Throws a `usage` failure. */
export function gatesOf(parsed: Parsed, environment: NodeJS.ProcessEnv): Pick<World, 'gatesBefore' | 'gatesAfter'> {
  const given = givenIn(parsed)
  const world: GateWorld = { connect: () => connect(given, environment), environment }
  const before = allGiven(parsed, 'gate').map(parseGate)
  const after = allGiven(parsed, 'release-when').map(parseGate)
  const steadyMs = duration('settle', given) ?? 0
  const timeoutMs = duration('release-timeout', given)
  if (timeoutMs !== undefined && after.length === 0) {
    throw new Failure('usage', '--release-timeout bounds the wait for --release-when, and there is none', {
      hint: 'leave it out, or tell what to wait for',
    })
  }
  const wait = { steadyMs, timeoutMs: timeoutMs ?? RELEASE_TIMEOUT_MS }
  return {
    ...(before.length > 0 && {
      gatesBefore: (ctx: Context, timeoutMs: number) => missing(ctx, world, before, 'waiting for', { timeoutMs }),
    }),
    ...((after.length > 0 || steadyMs > 0) && {
      gatesAfter: (ctx: Context) => missing(ctx, world, after, 'keeping the lock until', wait),
    }),
  }
}

async function missing(
  ctx: Context,
  world: GateWorld,
  gates: readonly Gate[],
  beginning: string,
  wait: GateWait,
): Promise<readonly string[]> {
  using line = new MissingLine(ctx, beginning)
  const end = await awaitGates(ctx, world, gates, { ...wait, onMissing: line.update.bind(line) })
  return end.passed ? [] : end.missing.map((one) => describeMissing([one]))
}
