import { Failure } from '../../../base/failure.ts'
import type { LocksRequest } from '../../../overview/lock-request.ts'
import { readLocks } from '../../../overview/read-locks.ts'
import { locksRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { print, printLines } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { locksJson } from './locks-json.ts'
import { locksLines, waitersLines } from './locks-table.ts'
import { LOCKS_SYNTAX } from './syntax.ts'

/** `consul-locker locks [PATTERN]` */
export const locksCommand = subcommand(LOCKS_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const [pattern, ...rest] = words
  checkNoWords(rest, "consul-locker locks 'PATTERN'")
  if (options.prefix.includes('')) {
    throw new Failure('usage', '--prefix needs the beginning of a key', { hint: 'all keys of a cluster are too many' })
  }
  const request: LocksRequest = { pattern, prefixes: options.prefix }
  const consul = await connect(options, environment, locksRules(options.prefix))
  try {
    return await interruptible(ctx, signals, async (ctx) => {
      const view = await readLocks(ctx, consul, request)
      for (const sentence of view.unseen) ctx.log.notice(sentence)
      if (options.json) return print(locksJson(view))
      const nowMs = ctx.clock.now().wallMs
      const lines = options.waiters ? waitersLines(view, nowMs) : locksLines(view, nowMs)
      if (options.waiters ? lines.length === 0 : view.locks.length === 0) {
        const what = pattern === undefined ? 'lock' : 'lock of that name'
        ctx.log.notice(options.waiters ? `nobody waits for a ${what}` : `there is no ${what}`)
      }
      return printLines(lines)
    })
  } finally {
    consul.close()
  }
})
