import { scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { Retry } from '../consul/retry.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import type { Loss } from '../lock/loss.ts'
import type { Site } from './site.ts'
import type { Turn } from './turn.ts'
import { isLoss, Workshop } from './workshop.ts'

/**
 * How a step ended: nothing was to be done (`idle`), it isn't this host's turn yet, the host was upgraded or mended,
 * what was done failed, the turn was lost and the commands were stopped for it, or the host is about to reboot, and its
 * slots are kept.
 */
export interface Ending {
  readonly kind: 'idle' | 'waiting' | 'upgraded' | 'mended' | 'failed' | 'lost' | 'rebooting'
  readonly why: string
  /** Whether it waits for somebody to mend something, and not for its turn. */
  readonly isStopped?: boolean
  /** Until when a host that reboots must be back, in milliseconds since 1970. */
  readonly backByMs?: number
}

/** A host's turn, while commands run. */
export interface Work {
  readonly site: Site
  readonly workshop: Workshop
  /** Writes to Consul while the turn is ours, all or nothing; retries until it worked. Rejects with the loss. */
  write(ctx: Context, steps: readonly KvStep[]): Promise<void>
  /** Writes in the same way, and keeps the slots for this host when the turn ends. */
  writeAndKeep(ctx: Context, steps: readonly KvStep[]): Promise<void>
}

/** Does work during a turn, which ends afterwards. When the turn is lost, all that runs is stopped. */
export async function atWork(
  ctx: Context,
  site: Site,
  turn: Turn,
  about: { readonly version: string; readonly runId: string },
  work: (ctx: Context, work: Work) => Promise<Ending>,
): Promise<Ending> {
  const workshop = new Workshop(turn, environmentOf(site, about.version))
  using bounded = scope(ctx.signal)
  turn.lost.addEventListener('abort', () => bounded.abort(turn.lost.reason), { once: true })
  if (turn.lost.aborted) bounded.abort(turn.lost.reason)
  const write = (ctx: Context, steps: readonly KvStep[]) => writeFenced(ctx, site, turn, steps)
  const writeAndKeep = (ctx: Context, steps: readonly KvStep[]) =>
    write(ctx, [...steps, ...turn.stepsToKeep(ctx.clock.now().wallMs)])
  try {
    return await work(under(ctx, bounded.signal), { site, workshop, write, writeAndKeep })
  } catch (thrown) {
    if (!isLoss(thrown)) throw thrown
    return { kind: 'lost', why: thrown.sentence }
  } finally {
    await turn.end(ctx, workshop.isQuiet)
  }
}

/** A step that was stopped for hours must not write over what came after it. */
async function writeFenced(ctx: Context, { consul }: Site, turn: Turn, steps: readonly KvStep[]): Promise<void> {
  if (steps.length === 0) return
  const held: KvStep = { verb: 'check-session', key: turn.key, session: turn.session.id }
  const outcome = await new Retry(consul).until(ctx, () => transact(ctx, consul, [held, ...steps]))
  if (outcome.done) return
  const reason = outcome.reasons.join('; ')
  if (!/session/i.test(reason)) throw new Failure('unavailable', `Consul doesn't take the record: ${reason}`)
  const loss: Loss = { kind: 'key-taken', sentence: `the key ${turn.key} is not ours any more` }
  throw loss
}

/** What commands and tests may want to know. */
export function environmentOf({ environment, host, role }: Site, version: string): NodeJS.ProcessEnv {
  return {
    ...environment,
    CONSUL_LOCKER_ROLLOUT_VERSION: version,
    CONSUL_LOCKER_ROLLOUT_HOST: host,
    CONSUL_LOCKER_ROLLOUT_ROLE: role,
  }
}
