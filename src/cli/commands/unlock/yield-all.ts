import { withTimeout } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import { Retry } from '../../../consul/retry.ts'
import { describeHolder } from '../../../lock/holder-record.ts'
import { type ReleaseAnswer, requestYield } from '../../../run/release-request.ts'
import { type SessionHold, sessionHoldKey } from '../../../unlock/session-hold.ts'
import { EXIT } from '../../exit-codes.ts'
import { whoAsks } from '../../invocation/who-asks.ts'
import { print } from '../../output/print.ts'
import { holderHost, lockName, stepDownCommand } from './session-hold-lines.ts'

/** Asks all at once, waits for each, and tells how it went. Settles with the exit code: the worst of all. */
export async function yieldAll(
  ctx: Context,
  consul: Consul,
  holds: readonly SessionHold[],
  timeoutMs: number,
): Promise<number> {
  return Math.max(...(await Promise.all(holds.map((hold) => yieldOne(ctx, consul, hold, timeoutMs)))))
}

async function yieldOne(ctx: Context, consul: Consul, hold: SessionHold, timeoutMs: number): Promise<number> {
  const name = lockName(hold)
  if (hold.keeper !== 'run' && hold.keeper !== 'hold') {
    const why =
      hold.keeper === 'leader'
        ? `a leader hands over by ${stepDownCommand(hold)}`
        : "what holds it is no run and no hold, and can't be asked"
    ctx.log.error(`${name}: ${why}; nothing is done`)
    return EXIT.no
  }
  const beganAt = ctx.clock.now()
  const late = new Failure(
    'timed-out',
    `${name}: no answer from ${holderHost(hold)} within ${formatDuration(timeoutMs)}`,
  )
  const retry = new Retry(consul, { waitMs: timeoutMs })
  const asked = { key: sessionHoldKey(hold), session: hold.holder.session }
  try {
    const ask = (ctx: Context) => requestYield(ctx, consul, asked, whoAsks(), retry)
    const answer = await withTimeout(ctx, timeoutMs, () => retry.whyOver(late), ask)
    return told(ctx, hold, answer, ctx.clock.since(beganAt))
  } catch (thrown) {
    if (thrown !== late) throw thrown
    ctx.log.error(`${late.message}; the request stands`)
    ctx.log.notice(
      'its command takes its time, or its runner is older than 0.2; without --yield the lock is taken from it',
    )
    return EXIT.no
  }
}

function told(ctx: Context, hold: SessionHold, answer: ReleaseAnswer, tookMs: number): number {
  const [name, host] = [lockName(hold), holderHost(hold)]
  switch (answer.kind) {
    case 'given-back':
      return print(`${name}: ${host} has given it back, after ${formatDuration(tookMs)}`)
    case 'free':
      return print(`${name}: ${host} had given it back before it was asked`)
    case 'lost':
      ctx.log.error(`${name}: ${host} lost it before it could give it back; it is closed for its lock-delay`)
      return EXIT.lost
    case 'others':
    case 'command': {
      const now = describeHolder(answer.holder.value, ctx.clock.now().wallMs)
      ctx.log.error(`${name}: ${host} doesn't hold it any more, now it is ${now}; nothing is done`)
      return EXIT.no
    }
  }
}
