import { scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { TxnOp } from '../consul/txn.ts'
import { isLoss, Loss, whenLost } from '../lock/loss.ts'
import { CommandRunner } from './command-runner.ts'
import { writeFenced } from './fenced-write.ts'
import type { HostRollout } from './host-rollout.ts'
import type { Obstacle } from './step-decision.ts'
import type { UpgradePermit } from './upgrade-permit.ts'

/**
 * How a step ended: nothing was to be done (`idle`), this host has to wait, the host was upgraded or mended,
 * what was done failed, the permit was lost and the commands were stopped for it, the host is about to reboot, and its
 * slots are kept, or it was bootstrapped without a version.
 */
export interface StepEnd {
  readonly kind: 'idle' | 'waiting' | 'upgraded' | 'mended' | 'failed' | 'lost' | 'rebooting' | 'bootstrapped'
  readonly why: string
  readonly waitsFor?: Obstacle | 'gates' | 'slot'
  /** Until when a host that reboots must be back, in milliseconds since 1970. */
  readonly backByMs?: number
}

/** What may be done under a permit, while it is held. */
export interface PermittedWork {
  readonly rollout: HostRollout
  readonly runner: CommandRunner
  /**
   * Writes to Consul how this host is, while the permit is ours, all or nothing; retries until it worked. No slot is
   * kept any more then. Rejects with the loss.
   */
  write(ctx: Context, steps: readonly TxnOp[]): Promise<void>
  /** Writes in the same way, and keeps the slots for this host when the permit ends. */
  writeAndKeep(ctx: Context, steps: readonly TxnOp[]): Promise<void>
}

/** Does work under a permit, and gives it back. When the permit is lost, all that runs is stopped. */
export async function withPermit(
  ctx: Context,
  rollout: HostRollout,
  permit: UpgradePermit,
  about: { readonly version: string; readonly runId: string },
  work: (ctx: Context, work: PermittedWork) => Promise<StepEnd>,
): Promise<StepEnd> {
  const runner = new CommandRunner(permit, rolloutVariables(rollout, about.version))
  using bounded = scope(ctx.signal)
  whenLost(permit.lost, bounded.abort)
  const write = (ctx: Context, steps: readonly TxnOp[]) =>
    writePermitted(ctx, rollout, permit, [...steps, ...permit.stepsToOwn()])
  const writeAndKeep = (ctx: Context, steps: readonly TxnOp[]) =>
    writePermitted(ctx, rollout, permit, [...steps, ...permit.stepsToKeep(ctx.clock.now().wallMs)])
  try {
    return await work(under(ctx, bounded.signal), { rollout, runner, write, writeAndKeep })
  } catch (thrown) {
    if (!isLoss(thrown)) throw thrown
    return { kind: 'lost', why: thrown.sentence }
  } finally {
    await permit.end(ctx, runner.isQuiet)
  }
}

/** A step that was stopped for hours must not write over what came after it. */
async function writePermitted(
  ctx: Context,
  { consul }: HostRollout,
  { key, session }: UpgradePermit,
  steps: readonly TxnOp[],
): Promise<void> {
  if (steps.length === 0) return
  const refusal = await writeFenced(ctx, consul, { key, sessionId: session.id }, steps)
  if (refusal === undefined) return
  if (!/session/i.test(refusal)) throw new Failure('unavailable', `Consul doesn't take the record: ${refusal}`)
  throw new Loss('key-taken', `the key ${key} is not ours any more`)
}

/** What commands and tests may want to know. */
export function rolloutVariables({ environment, host, role }: HostRollout, version: string): NodeJS.ProcessEnv {
  return {
    ...environment,
    CONSUL_LOCKER_ROLLOUT_VERSION: version,
    CONSUL_LOCKER_ROLLOUT_HOST: host,
    CONSUL_LOCKER_ROLLOUT_ROLE: role,
  }
}
