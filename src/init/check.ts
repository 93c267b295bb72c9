import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { tagService } from '../consul/service-tags.ts'
import type { Switcher } from '../switchover/switch-lock.ts'
import { takeOver } from '../switchover/takeover.ts'
import { type CheckResult, judgeCheck, type Membership, type Observation } from './check-result.ts'
import { checkFenceCommand, fenceOf } from './fence-command.ts'
import { NO_OUTPUT } from './init-script.ts'
import { localAgent } from './local-agent.ts'
import { clusterOf, type LoadedScript, LocalNode } from './local-node.ts'
import { LocalServices } from './local-services.ts'
import { membershipOf } from './membership.ts'
import { isNoop } from './noop-lockfile.ts'

/** What a check looks at, and what it does besides. */
export interface CheckRequest extends Omit<LoadedScript, 'path' | 'environment'> {
  observe(ctx: Context): Promise<Observation>
  /** Something that makes it pass for as long as it is there, for people; a noop lockfile besides. */
  excuse?(): string | undefined
  /** Keeps the tag `nodns` on a standby's service, for prepared queries that leave it out. */
  readonly tags: boolean
  /** Makes a standby primary for good that has taken over. */
  readonly takeover: Takeover | undefined
}

export interface Takeover {
  /** Where the init script stands. */
  readonly path: string
  readonly environment: NodeJS.ProcessEnv
  readonly who: Switcher
}

/** Short enough for the 30 s that Consul gives a check; a fence takes its time. */
const STEP_MS = 10_000

/** Looks whether our node is as its role wants it. What it does besides changes nothing but the result's notes. */
export async function check(ctx: Context, request: CheckRequest): Promise<CheckResult> {
  const { consul, file, tags, takeover } = request
  const membership = await membershipOf(ctx, consul, clusterOf(file))
  const observation = await request.observe(ctx)
  // Looked at last: what was seen stopped may have been stopped under a lockfile that came meanwhile.
  const noop = file.noop_lockfile !== undefined && isNoop(file.noop_lockfile, file.noop_expires, ctx.clock.now().wallMs)
  const result = judgeCheck(observation, membership, noop ? 'the noop lockfile' : request.excuse?.())
  const notes = [...(result.notes ?? [])]
  const takesOver = takeover !== undefined && (!noop || (membership.clustered && membership.isTakingOver))
  const tookOver =
    takesOver && (await noting(ctx, notes, () => maybeTakeOver(ctx, request, takeover, result, membership)))
  if (tags) await noting(ctx, notes, () => keepTag(ctx, request, result, membership))
  return { ...result, ...(tookOver ? { tookOver } : {}), ...(notes.length === 0 ? {} : { notes }) }
}

async function noting<T>(ctx: Context, notes: string[], task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await task()
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    notes.push(thrown.message)
    return undefined
  }
}

/** Settles with whether our node has become primary. Rejects with a `Failure`. */
async function maybeTakeOver(
  ctx: Context,
  { consul, file }: CheckRequest,
  { path, environment, who }: Takeover,
  { state, expects }: CheckResult,
  membership: Membership,
): Promise<boolean> {
  if (!membership.clustered) return false
  const hasTakenOver = membership.role === 'standby' && expects === 'running' && state === 'running'
  if (!hasTakenOver && !membership.isTakingOver) return false
  const self = await localAgent(ctx, consul)
  const node = new LocalNode({ consul, file, path, environment }, new LocalServices(file, environment, NO_OUTPUT))
  checkFenceCommand(file, environment)
  const fence = fenceOf(file, environment)
  const end = await takeOver(ctx, {
    consul,
    cluster: clusterOf(file),
    self,
    who,
    timeouts: { stepMs: Math.max(STEP_MS, fence ? file.fence_timeout : 0), deadAfterMs: undefined },
    world: {
      output: NO_OUTPUT,
      handleOwnFlag: (ctx, direction) => node.handleFlagInSwitch(ctx, self, direction),
      fence,
      interruption: ctx.signal,
    },
  })
  if (end.kind === 'undone') throw new Failure('failed', `this node has not become primary: ${end.why}`)
  return end.kind === 'switched'
}

/** A standby that rests gets the tag, and a node that runs as it should loses it; others stay as they are. */
async function keepTag(
  ctx: Context,
  { consul, file }: CheckRequest,
  result: CheckResult,
  membership: Membership,
): Promise<void> {
  if (!membership.clustered || result.health !== 'passing' || result.noop) return
  await tagService(ctx, consul, membership.node, file.consul_service, 'nodns', result.expects === 'stopped')
}
