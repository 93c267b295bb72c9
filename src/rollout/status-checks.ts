import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Health } from '../consul/health.ts'
import { registerTtlCheck } from '../consul/node-checks.ts'
import { updateCheck } from '../consul/services.ts'
import type { Site } from './site.ts'

/** The original's: a host that doesn't tell for so long is critical. */
const TTL_MS = { upgrade: 1440 * 60_000, validation: 60 * 60_000 } as const

const NOTES = {
  upgrade: 'how the last upgrade of this host went',
  validation: 'whether this host passes its validation',
} as const

const MAX_OUTPUT = 2000

/**
 * Tells Consul how this host's upgrade or its validation stands, with a check that the agent gets if it doesn't know
 * it. A check that can't be told of is only warned of: what was done is done.
 */
export async function tell(
  ctx: Context,
  site: Site,
  kind: keyof typeof TTL_MS,
  health: Health,
  output: string,
): Promise<void> {
  const { consul, file } = site
  const id = file.checks[kind]
  const text = output.length > MAX_OUTPUT ? `…${output.slice(-MAX_OUTPUT)}` : output
  try {
    // The agent tells its servers by the token that registered the check, which may have been replaced since.
    if (!consul.token.mayChange && (await updateCheck(ctx, consul, id, health, text))) return
    await registerTtlCheck(ctx, consul, { id, notes: NOTES[kind], ttlMs: TTL_MS[kind], status: health })
    await updateCheck(ctx, consul, id, health, text)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`the check ${id} could not be updated: ${thrown.message}`)
  }
}
