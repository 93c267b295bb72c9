import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { CommandRunner } from './command-runner.ts'
import type { HostRollout } from './host-rollout.ts'
import { type HostView, readHostView } from './host-view.ts'
import { rolloutVariables, type StepEnd } from './with-permit.ts'

const GRACE_MS = 5000

/**
 * Whether a host that has never had a version can't learn of one: Consul can't be reached, or nobody has triggered any.
 * JioCloud's hosts install Consul itself that way.
 */
export function wantsBootstrap({ file, local }: HostRollout, trouble: unknown): boolean {
  const isSilent = trouble === undefined || (trouble instanceof Failure && trouble.code === 'unreachable')
  return isSilent && file.bootstrap.length > 0 && local.read() === '' && local.interrupted() === ''
}

/** Looks as `readHostView` does. Settles with `undefined` when this host can't look, and is to bootstrap for that. */
export async function viewUnlessBootstrap(ctx: Context, rollout: HostRollout): Promise<HostView | undefined> {
  return readHostView(ctx, rollout).catch((thrown: unknown) => {
    ctx.signal.throwIfAborted()
    if (wantsBootstrap(rollout, thrown)) return undefined
    throw thrown
  })
}

/**
 * Runs the bootstrap commands of a host. There is no lock, since there may be no Consul; but a guardian ends the
 * commands when we are killed. Every step does it again until the host has a version. Rejects with the signal's reason.
 */
export async function bootstrapHost(ctx: Context, rollout: HostRollout): Promise<StepEnd> {
  const { file, host, keys } = rollout
  const timeoutMs = file.timeouts.upgrade
  ctx.log.notice(`${host} has no version, and can't learn of one; running the bootstrap commands`)
  const guardian = rollout.startGuardian(ctx, keys.slots, GRACE_MS)
  const session = { leaseLeftMs: () => timeoutMs + GRACE_MS, graceLeftMs: () => GRACE_MS, onRenewed: () => {} }
  try {
    await guardian.ready()
    const runner = new CommandRunner({ guardian, graceMs: GRACE_MS, session }, rolloutVariables(rollout, ''))
    const { trouble } = await runner.run(ctx, file.bootstrap, timeoutMs)
    if (trouble !== undefined) return { kind: 'failed', why: `the bootstrap failed: ${trouble}` }
    return { kind: 'bootstrapped', why: `${host} was bootstrapped` }
  } finally {
    guardian.dismiss()
  }
}
