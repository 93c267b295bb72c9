import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { tagService } from '../consul/service-tags.ts'
import { takeOver } from '../switchover/takeover.ts'
import type { Switcher } from '../switchover/turn.ts'
import { SILENT } from './init-script.ts'
import { LocalServices } from './local-services.ts'
import { isNoop } from './noop-lockfile.ts'
import { ownAgent } from './own-agent.ts'
import { clusterOf, OwnNode, type Script } from './own-node.ts'
import { standingOf } from './standing.ts'
import { type Observation, type Standing, type Verdict, verdictOn } from './verdict.ts'

/** What a check looks at, and what it does besides. */
export interface CheckRequest extends Omit<Script, 'path' | 'environment'> {
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

/** Short enough for the 30 s that Consul gives a check. */
const PATIENCE = { stepMs: 10_000, deadAfterMs: undefined }

/** Looks whether our node is as its role wants it. What it does besides changes nothing but the verdict's notes. */
export async function check(ctx: Context, request: CheckRequest): Promise<Verdict> {
  const { consul, file, tags, takeover } = request
  const standing = await standingOf(ctx, consul, clusterOf(file))
  const observation = await request.observe(ctx)
  // Looked at last: what was seen stopped may have been stopped under a lockfile that came meanwhile.
  const noop = file.noop_lockfile !== undefined && isNoop(file.noop_lockfile, file.noop_expires, ctx.clock.now().wallMs)
  const verdict = verdictOn(observation, standing, noop ? 'the noop lockfile' : request.excuse?.())
  const notes = [...(verdict.notes ?? [])]
  const takesOver = takeover !== undefined && (!noop || (standing.clustered && standing.isTakingOver))
  const tookOver =
    takesOver && (await noting(ctx, notes, () => maybeTakeOver(ctx, request, takeover, verdict, standing)))
  if (tags) await noting(ctx, notes, () => keepTag(ctx, request, verdict, standing))
  return { ...verdict, ...(tookOver ? { tookOver } : {}), ...(notes.length === 0 ? {} : { notes }) }
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
  { state, expects }: Verdict,
  standing: Standing,
): Promise<boolean> {
  if (!standing.clustered) return false
  const hasTakenOver = standing.role === 'standby' && expects === 'running' && state === 'running'
  if (!hasTakenOver && !standing.isTakingOver) return false
  const self = await ownAgent(ctx, consul)
  const node = new OwnNode({ consul, file, path, environment }, new LocalServices(file, environment, SILENT))
  const end = await takeOver(ctx, {
    consul,
    cluster: clusterOf(file),
    self,
    who,
    patience: PATIENCE,
    world: {
      teller: SILENT,
      attend: (ctx, direction) => node.attendInSwitch(ctx, self, direction),
      interruption: ctx.signal,
    },
  })
  if (end.kind === 'undone') throw new Failure('declined', `this node has not become primary: ${end.why}`)
  return end.kind === 'switched'
}

/** A standby that rests gets the tag, and a node that runs as it should loses it; others stay as they are. */
async function keepTag(
  ctx: Context,
  { consul, file }: CheckRequest,
  verdict: Verdict,
  standing: Standing,
): Promise<void> {
  if (!standing.clustered || verdict.code !== 0 || verdict.noop) return
  await tagService(ctx, consul, standing.node, file.consul_service, 'nodns', verdict.expects === 'stopped')
}
