import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import { readKey } from '../../../consul/kv.ts'
import type { LockView } from '../../../overview/lock-view.ts'
import { standingOf, whyNoLock } from '../../../overview/standing.ts'
import { readSessionHolds } from '../../../unlock/read-session-holds.ts'
import type { SessionHold } from '../../../unlock/session-hold.ts'
import { unlockRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { tellOfLeader } from '../../invocation/tell-of-leader.ts'
import { confirmed } from '../../output/confirmation.ts'
import { printed, printLines } from '../../output/print.ts'
import { endAll } from './end-all.ts'
import { type LocksNamed, locksNamed } from './locks-named.ts'
import {
  consequences,
  holderHost,
  lockName,
  sessionHoldLines,
  toSecond,
  yieldConsequences,
} from './session-hold-lines.ts'
import { UNLOCK_SYNTAX, type UnlockOptions } from './syntax.ts'
import { yieldAll } from './yield-all.ts'

/** `consul-locker unlock NAME|--pattern GLOB` */
export const unlockCommand = subcommand(UNLOCK_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const named = locksNamed(words, options)
  const consul = await connect(options, environment, unlockRules(...named.at, options.yield))
  try {
    return await interruptible(ctx, signals, (ctx) => unlock(ctx, consul, named, options))
  } finally {
    consul.close()
  }
})

async function unlock(ctx: Context, consul: Consul, named: LocksNamed, options: UnlockOptions): Promise<number> {
  const { locks, holds: all, isAllSeen } = await readSessionHolds(ctx, consul, named)
  const noLock = await checkSeen(ctx, consul, named, { locks, isAllSeen })
  if (noLock !== undefined) {
    ctx.log.notice(`${named.subject} is no lock: ${noLock}; nothing is done`)
    return EXIT.done
  }
  if (all.length === 0) {
    tellFree(ctx, named, locks)
    if (options.key === undefined && options.pattern === undefined) await tellOfLeader(ctx, consul, named.subject)
    return EXIT.done
  }
  const holds = all.filter((hold) => isOf(hold, options.holder))
  if (holds.length === 0) {
    const hosts = [...new Set(all.map(holderHost))]
    ctx.log.error(`${options.holder} doesn't hold ${named.subject}, but ${hosts.join(', ')}; nothing is done`)
    return EXIT.no
  }
  if (!(await isWanted(ctx, holds, options))) {
    ctx.log.notice('nothing is done')
    return EXIT.no
  }
  if (options.yield) return yieldAll(ctx, consul, holds, options.timeout)
  // Whatever has changed while somebody made up his mind.
  const again = await readSessionHolds(ctx, consul, named)
  return endAll(ctx, consul, holds, again.holds)
}

/**
 * What a token may not see is left out of lists without a word, and is not free for that. Rejects with a `refused`
 * failure when that is the lock in question. Settles with why what stands there is no lock, if that is so.
 */
async function checkSeen(
  ctx: Context,
  consul: Consul,
  { at: [kind, key], subject }: LocksNamed,
  { locks, isAllSeen }: { readonly locks: readonly LockView[]; readonly isAllSeen: boolean },
): Promise<string | undefined> {
  if (kind === 'key_prefix') {
    if (isAllSeen) return undefined
    if (locks.every(({ holders }) => holders.length === 0)) {
      throw new Failure('refused', `the token may not see all locks, and none that is held and matches`, {
        hint: `${kind} "${key}" { policy = "read" }`,
      })
    }
    ctx.log.warn(`the token may not see all locks: there may be more that match`)
    return undefined
  }
  if (locks.length > 0) return locks.find(({ kind }) => kind === 'data')?.trouble
  const { entry } = await readKey(ctx, consul, key, { consistent: true, rights: 'read' })
  if (entry && standingOf(entry) !== 'slots') return whyNoLock(entry)
  if (!entry) return undefined
  throw new Failure('refused', `${subject} has slots, which the token may not see`, {
    hint: `key_prefix "${key}/" { policy = "read" }`,
  })
}

function isOf({ holder, session }: SessionHold, who: string | undefined): boolean {
  return who === undefined || [holder.host, session?.node, holder.session].includes(who)
}

/** Shows whom it hits, and asks unless that was answered before. */
async function isWanted(ctx: Context, holds: readonly SessionHold[], options: UnlockOptions): Promise<boolean> {
  const nowMs = ctx.clock.now().wallMs
  const comesOfIt = options.yield ? yieldConsequences : consequences
  printLines(holds.flatMap((hold) => [...sessionHoldLines(hold, nowMs), ...comesOfIt(hold, nowMs)]))
  if (options.yes) return true
  // The question stands below what it is about.
  await printed(ctx, EXIT.done)
  const [first] = holds
  const what = holds.length === 1 && first ? lockName(first) : `these ${holds.length}`
  const unasked = new Failure('usage', 'nobody is there to be asked', { hint: 'give --yes if you mean it' })
  return confirmed(ctx, options.yield ? `Ask for ${what}?` : `Unlock ${what}?`, unasked)
}

function tellFree(ctx: Context, { subject }: LocksNamed, locks: readonly LockView[]): void {
  const untilMs = locks.find(({ closure }) => closure)?.closure?.untilMs
  const leftMs = Math.max(0, (untilMs ?? 0) - ctx.clock.now().wallMs)
  const closed =
    untilMs === undefined
      ? ''
      : `; it is closed until ${toSecond(untilMs)} at the latest (${formatDuration(leftMs)} more)`
  ctx.log.notice(`nobody holds ${subject}: nothing is done${closed}`)
}
