import { formatDuration } from '../../../../base/duration.ts'
import { Failure } from '../../../../base/failure.ts'
import { parseWallTime } from '../../../../base/wall-time.ts'
import { checkCandidate } from '../../../../leader/cluster/cluster-access.ts'
import { cancelSwitchover, scheduleSwitchover } from '../../../../leader/cluster/scheduled-switchover.ts'
import { whoAsks } from '../../../invocation/who-asks.ts'
import { print } from '../../../output/print.ts'
import { handOver } from './hand-over.ts'
import { knownCluster } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Has the master hand over to a node of the operator's choice, now or later. */
export async function switchOver(call: LeaderWordCall): Promise<number> {
  const { candidate, cancel } = call.options
  if (cancel) return takeBack(call)
  if (candidate === undefined) {
    throw new Failure('usage', 'no candidate was named', { hint: '--candidate NODE; or step-down, for any' })
  }
  const atMs = whenAsked(call)
  return atMs === undefined ? handOver(call, candidate) : schedule(call, candidate, atMs)
}

/** In milliseconds since 1970; `undefined`: now. */
function whenAsked({ ctx, options }: LeaderWordCall): number | undefined {
  const { at, in: inMs } = options
  const nowMs = ctx.clock.now().wallMs
  if (at === undefined) return inMs === undefined ? undefined : nowMs + inMs
  const atMs = parseWallTime(at, nowMs)
  if (atMs === undefined) {
    throw new Failure('usage', `--at ${JSON.stringify(at)} is not a time`, {
      hint: 'write it as 2026-11-30T03:00, by the time zone here, 2026-11-30T02:00Z, or 03:00 for the next one',
    })
  }
  if (atMs > nowMs) return atMs
  const ago = formatDuration(nowMs - atMs)
  throw new Failure('usage', `--at ${JSON.stringify(at)} is past, by ${ago}`, { hint: 'without --at it is done now' })
}

async function schedule({ ctx, access, options }: LeaderWordCall, candidate: string, atMs: number): Promise<number> {
  const { consul, name, keys } = access
  const cluster = await knownCluster(ctx, access)
  const { force } = options
  if (!cluster.master) throw new Failure('precondition', `${name} has no master that could hand over`)
  const nodes = [cluster.master.node, candidate]
  const ends = cluster.members.map(({ node, maintenanceUntil }) =>
    nodes.includes(node) ? maintenanceUntil : undefined,
  )
  const maintenances = [cluster.maintenanceUntil, ...ends].filter((end) => end !== undefined)
  // Nobody is ready in a maintenance.
  checkCandidate(cluster, candidate, maintenances.length > 0)
  const until = maintenances.find((end) => Date.parse(end) > atMs)
  if (until !== undefined) {
    throw new Failure('precondition', `${name} is in maintenance until ${until}, which is later`, {
      hint: `name a later time, or consul-locker leader maintenance ${name} --off`,
    })
  }
  const at = new Date(atMs).toISOString()
  await scheduleSwitchover(ctx, consul, keys, { candidate, at, by: whoAsks(), ...(force ? { force } : {}) })
  const inTime = formatDuration(atMs - ctx.clock.now().wallMs)
  return print(`${name}: ${candidate} is to be master at ${at}, in ${inTime}`)
}

async function takeBack({ ctx, access }: LeaderWordCall): Promise<number> {
  const { consul, name, keys } = access
  const cancelled = await cancelSwitchover(ctx, consul, keys)
  if (cancelled) return print(`${name}: no switchover to ${cancelled.candidate} at ${cancelled.at}`)
  await knownCluster(ctx, access)
  throw new Failure('precondition', `no switchover of ${name} is scheduled, or it has begun`)
}
