import { AbortReason, sleep, withTimeout } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { messageOf } from '../../../base/failure.ts'
import type { LocalServer } from './local-server.ts'
import type { Ask } from './postgres-client.ts'
import type { Groups } from './postgres-programs.ts'
import type { PostgresPromotionGuard } from './postgres-promotion-guard.ts'
import { type ServerState, serverState } from './server-state.ts'
import { stopServer } from './stop-server.ts'
import { formatLsn } from './wal-point.ts'

const LOOK_MS = 30
/** A standby that is well confirms within milliseconds. */
const CONFIRMATION_MS = 400
const NOTE_MS = 700

/** Durations are in milliseconds. */
export interface DemotionTerms {
  readonly limitMs: number
  /** Somebody else may be master already: no standby is waited for. */
  readonly hurried: boolean
}

/** What was known of a master before it was stopped. */
interface LastLook {
  readonly state: ServerState
  /** The processes that send to standbys that didn't confirm what there was. */
  readonly laggards: readonly number[]
  /** Standbys that have all of that. */
  readonly caughtUp: number
}

/**
 * Stops a master, notes what it had, and starts it again as a standby. Settles when nothing of the old server runs: a
 * promotion that was asked for and is still under way ends with it, too.
 */
export async function demoteServer(
  ctx: Context,
  groups: Groups,
  server: LocalServer,
  guard: PostgresPromotionGuard,
  { limitMs, hurried }: DemotionTerms,
): Promise<void> {
  const beganAt = ctx.clock.now()
  const look = server.isRunning ? await lastLook(ctx, server, hurried) : undefined
  const open = look?.state.recovering === false ? look.state : undefined
  // Should it be killed, or its machine die, that much is known.
  if (open && !hurried) await within(ctx, NOTE_MS, (ctx) => guard.noteLast(ctx, open.system, open))
  // A crash from now on ends with a standby.
  armed(ctx, server)
  const { laggards = [], caughtUp = 0 } = look ?? {}
  const leftMs = limitMs - ctx.clock.since(beganAt)
  const patienceMs = leftMs * 0.4
  const laggardPatienceMs = caughtUp > 0 || hurried ? 0 : patienceMs
  const stop = { limitMs: leftMs * 0.75, patienceMs, laggards, laggardPatienceMs }
  const { byItself, sent } = await stopServer(ctx, server.postmaster, stop)
  if (!byItself) ctx.log.warn('PostgreSQL did not stop in time, and was killed')
  // What was committed between the last look and the stop, a standby was sent as well.
  if (open && sent !== undefined)
    await within(ctx, NOTE_MS, (ctx) => guard.noteLast(ctx, open.system, { ...open, lsn: sent }))
  await noteEnd(ctx, groups, server, guard)
  if (server.data.isFilled && !server.data.isTorn) {
    await server.launch(ctx, groups).catch((thrown) => ctx.log.warn(`PostgreSQL doesn't start: ${messageOf(thrown)}`))
  }
}

/** What a server that was shut down in good order had is in its control file. */
async function noteEnd(
  ctx: Context,
  groups: Groups,
  server: LocalServer,
  guard: PostgresPromotionGuard,
): Promise<void> {
  if (!server.data.isFilled) return
  try {
    const control = await server.controlData(ctx, groups)
    if (!control?.shutDown) return
    await within(ctx, NOTE_MS, (ctx) => guard.noteLast(ctx, control.system, control.checkpoint))
  } catch (thrown) {
    ctx.log.warn(`what PostgreSQL had can't be noted: ${messageOf(thrown)}`)
  }
}

async function lastLook(ctx: Context, server: LocalServer, hurried: boolean): Promise<LastLook | undefined> {
  return within(ctx, hurried ? CONFIRMATION_MS : 2 * CONFIRMATION_MS, (ctx) =>
    server.ask(ctx, async (ask) => {
      const state = await serverState(ask)
      if (state.recovering) return { state, laggards: [], caughtUp: 0 }
      const beganAt = ctx.clock.now()
      for (;;) {
        const { laggards, caughtUp } = await senders(ask, state.lsn)
        const isLate = hurried || ctx.clock.since(beganAt) >= CONFIRMATION_MS
        if (laggards.length === 0 || isLate) return { state, laggards, caughtUp }
        await sleep(ctx, LOOK_MS)
      }
    }),
  )
}

/** Which processes send to standbys that don't have this yet, and how many have it. */
async function senders(ask: Ask, lsn: bigint): Promise<{ laggards: number[]; caughtUp: number }> {
  const rows = await ask('SELECT pid, flush_lsn >= $1::pg_lsn AS has FROM pg_stat_replication', [formatLsn(lsn)])
  const laggards = rows.filter(({ has }) => has !== true).map(({ pid }) => Number(pid))
  return { laggards, caughtUp: rows.length - laggards.length }
}

function armed(ctx: Context, server: LocalServer): void {
  if (!server.data.isFilled) return
  try {
    server.data.startsAsStandby = true
  } catch (thrown) {
    ctx.log.warn(`${server.data.path} can't be marked as a standby's: ${messageOf(thrown)}`)
  }
}

/** What can't be had in time isn't needed. */
async function within<T>(ctx: Context, ms: number, work: (ctx: Context) => Promise<T>): Promise<T | undefined> {
  return withTimeout(ctx, ms, () => new AbortReason('no answer in time'), work).catch((thrown) => {
    ctx.log.debug(messageOf(thrown))
    return undefined
  })
}
