import { AbortReason, firstOf } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { readerGone } from '../../../child/reader-gone.ts'
import type { Consul } from '../../../consul/consul.ts'
import type { LocksRequest } from '../../../overview/lock-request.ts'
import type { LocksView } from '../../../overview/lock-view.ts'
import { readLocks } from '../../../overview/read-locks.ts'
import { watchLocks } from '../../../overview/watch-locks.ts'
import { locksRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { hasScreen } from '../../output/full-screen.ts'
import { print, printed, printLines } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { ChangeLines } from './change-lines.ts'
import { locksJson } from './locks-json.ts'
import { locksLines, waitersLines } from './locks-table.ts'
import { LOCKS_SYNTAX } from './syntax.ts'

/** `consul-locker locks [PATTERN]` */
export const locksCommand = subcommand(LOCKS_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const [pattern, ...rest] = words
  checkNoWords(rest, "consul-locker locks 'PATTERN'")
  const { prefix: prefixes } = options
  const request: LocksRequest = { pattern, prefixes }
  const consul = await connect(options, environment, locksRules(prefixes))
  try {
    if (options.watch && !options.json && hasScreen(environment)) {
      const { lockScreen } = await import('./lock-screen.ts')
      return await lockScreen(ctx, consul, request, signals)
    }
    return await interruptible(ctx, signals, async (ctx) => {
      if (options.watch) {
        return firstOf(ctx, [
          (ctx) => followLines(ctx, consul, request, options.json),
          (ctx) => readerGone(ctx, environment).then(() => shellStatus({ signal: 'SIGPIPE' })),
        ])
      }
      const view = await readLocks(ctx, consul, request)
      for (const sentence of view.unseen) ctx.log.notice(sentence)
      if (options.json) return print(locksJson(view))
      const nowMs = ctx.clock.now().wallMs
      const lines = options.waiters ? waitersLines(view, nowMs) : locksLines(view, nowMs)
      if (options.waiters ? lines.length === 0 : view.locks.length === 0) {
        const what = pattern === undefined ? 'lock' : 'lock of that name'
        const seen = view.unseen.length > 0 ? ' that this token may see' : ''
        ctx.log.notice(options.waiters ? `nobody waits for a ${what}${seen}` : `there is no ${what}${seen}`)
      }
      return printLines(lines)
    })
  } finally {
    consul.close()
  }
})

const ENOUGH = new AbortReason('whoever reads has seen enough')

/**
 * A line for each change, for a file or a pipe, or a terminal that has no screen. Settles with the exit code when
 * nobody reads any more; rejects with an `unwritable` failure.
 */
async function followLines(ctx: Context, consul: Consul, request: LocksRequest, isJson: boolean): Promise<number> {
  const changes = new ChangeLines(isJson)
  let isFirst = true
  let code: number = EXIT.done
  const tell = async (view: LocksView) => {
    if (isFirst) for (const sentence of view.unseen) ctx.log.notice(sentence)
    isFirst = false
    printLines(changes.of(view))
    code = await printed(ctx, EXIT.done)
    if (code !== EXIT.done) throw ENOUGH
  }
  try {
    return await watchLocks(ctx, consul, request, tell)
  } catch (thrown) {
    if (thrown !== ENOUGH) throw thrown
    return code
  }
}
