import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Health } from '../consul/health.ts'
import { registerTtlCheck } from '../consul/node-checks.ts'
import { registerService, updateCheck } from '../consul/services.ts'
import type { HostRollout } from './host-rollout.ts'

/** The original's: a host that doesn't tell for so long is critical. */
const TTL_MS = { upgrade: 1440 * 60_000, validation: 60 * 60_000 } as const

const NOTES = {
  upgrade: 'how the last upgrade of this host went',
  validation: 'whether this host passes its validation',
} as const

const MAX_OUTPUT = 2000

/** Its checks tell of the rollout, and harm no other service. */
const SERVICE = 'consul-locker-rollout'

/**
 * Registers both checks. Those of a node count for all of its services: a failed validation, or a cron that was
 * stopped, would take them out of DNS. So they belong to a service of their own, unless the original's way is asked
 * for.
 */
async function register(ctx: Context, { consul, file }: HostRollout): Promise<void> {
  const ids = file.checks
  if (ids.on === 'node') {
    for (const kind of ['upgrade', 'validation'] as const) {
      const check = { id: ids[kind], notes: NOTES[kind], ttlMs: TTL_MS[kind], status: 'passing' } as const
      await registerTtlCheck(ctx, consul, check)
    }
    return
  }
  const check = (kind: keyof typeof TTL_MS) =>
    ({ id: ids[kind], name: ids[kind], ttlMs: TTL_MS[kind], status: 'passing' }) as const
  const moreChecks = [check('upgrade')]
  await registerService(ctx, consul, { id: SERVICE, name: SERVICE, check: check('validation'), moreChecks })
}

/** As `setStatusCheck`, but a check that can't be told of is only warned of: what was done is done. */
export async function updateStatusCheck(
  ctx: Context,
  rollout: HostRollout,
  kind: keyof typeof TTL_MS,
  health: Health,
  output: string,
): Promise<void> {
  try {
    await setStatusCheck(ctx, rollout, kind, health, output)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`the check ${rollout.file.checks[kind]} could not be updated: ${thrown.message}`)
  }
}

/**
 * Tells Consul how this host's upgrade or its validation stands, with a check that the agent gets if it doesn't know
 * it. Rejects with a `Failure`.
 */
export async function setStatusCheck(
  ctx: Context,
  rollout: HostRollout,
  kind: keyof typeof TTL_MS,
  health: Health,
  output: string,
): Promise<void> {
  const { consul, file } = rollout
  const id = file.checks[kind]
  const text = output.length > MAX_OUTPUT ? `…${output.slice(-MAX_OUTPUT)}` : output
  // The agent tells its servers by the token that registered the check, which may have been replaced since.
  if (!consul.token.mayChange && (await updateCheck(ctx, consul, id, health, text))) return
  await register(ctx, rollout)
  await updateCheck(ctx, consul, id, health, text)
}
