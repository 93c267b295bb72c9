import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import { describePause, type PauseState } from '../../../lock/pause.ts'
import { pausesNow } from '../../../lock/pause-now.ts'
import { endPause, startPause } from '../../../lock/write-pause.ts'
import { pauseRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { tellOfLeader } from '../../invocation/tell-of-leader.ts'
import { whoAsks } from '../../invocation/who-asks.ts'
import { print, printLines } from '../../output/print.ts'
import { holderLines } from './holders.ts'
import { type PauseTarget, targetOf } from './pause-target.ts'
import { PAUSE_SYNTAX, RESUME_SYNTAX } from './syntax.ts'

const PAUSE_FORM = 'consul-locker pause NAME|--all --for 2h --reason TEXT'
const RESUME_FORM = 'consul-locker resume NAME|--all'

/** `consul-locker pause NAME|--all --for TIME [--reason TEXT]` */
export const pauseCommand = subcommand(PAUSE_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const scope = targetOf(words, options, PAUSE_FORM)
  const { for: forMs, reason } = options
  if (forMs === undefined) throw new Failure('usage', 'for how long?', { hint: PAUSE_FORM })
  const consul = await connect(options, environment, pauseRules(scope))
  try {
    return await interruptible(ctx, signals, async (ctx) => {
      const { before, pause, isKept } = await startPause(ctx, consul, scope.pauseKey, { forMs, by: whoAsks(), reason })
      const nowMs = ctx.clock.now().wallMs
      // A new one is told as it was asked for, and not less the time that the write took.
      print(`${scope.subject} paused ${describePause(pause, isKept ? nowMs : Date.parse(pause.until) - forMs)}`)
      if (isKept) ctx.log.notice('that pause ends later, and stays as it is; for a shorter one, resume first')
      else if (before.kind === 'on') ctx.log.notice(`before, it was paused ${describeBefore(before, nowMs)}`)
      const lines = await holderLines(ctx, consul, scope)
      const { name } = scope
      if (name !== undefined && options.key === undefined && lines.length === 0) {
        await tellOfLeader(ctx, consul, name, ', whose agents heed no pause')
      }
      return printLines(lines)
    })
  } finally {
    consul.close()
  }
})

/** `consul-locker resume NAME|--all` */
export const resumeCommand = subcommand(RESUME_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const scope = targetOf(words, options, RESUME_FORM)
  const consul = await connect(options, environment, pauseRules(scope))
  try {
    return await interruptible(ctx, signals, async (ctx) => {
      const before = await endPause(ctx, consul, scope.pauseKey)
      if (before.kind !== 'on') {
        ctx.log.notice(await notPaused(ctx, consul, scope))
        return EXIT.done
      }
      return print(`${scope.subject} no longer paused; the pause was ${describeBefore(before, ctx.clock.now().wallMs)}`)
    })
  } finally {
    consul.close()
  }
})

/** That there was no pause to end, and which one there is. */
async function notPaused(ctx: Context, consul: Consul, { lockKey, name, subject }: PauseTarget): Promise<string> {
  if (lockKey === undefined) return 'no pause of all locks is on'
  const areAll = (await pausesNow(ctx, consul, lockKey)).some((pause) => pause.areAll)
  if (!areAll) return `${subject} not paused`
  return `${name} has no pause of its own; all locks are paused (consul-locker resume --all)`
}

function describeBefore({ pause }: Extract<PauseState, { kind: 'on' }>, nowMs: number): string {
  return pause ? describePause(pause, nowMs) : 'without an end, by a record that nobody can read'
}
