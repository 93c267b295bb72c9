import { knownRuns } from '../../../run/history/known-runs.ts'
import { EXIT } from '../../exit-codes.ts'
import { lockQuestion } from '../../invocation/lock-question.ts'
import { tellOfLeader } from '../../invocation/tell-of-leader.ts'
import { print, printLines } from '../../output/print.ts'
import { runLines } from '../../output/runs-table.ts'
import { HISTORY_SYNTAX } from './syntax.ts'

/** `consul-locker history NAME` */
export const historyCommand = lockQuestion(HISTORY_SYNTAX, 'history', async (ctx, consul, { name, key }, options) => {
  const { ended, running } = await knownRuns(ctx, consul, key)
  if (options.json) return print(JSON.stringify([...ended, ...(running ? [{ ...running, running: true }] : [])]))
  if (ended.length === 0 && !running) {
    ctx.log.notice(`no run under ${name} is recorded`)
    if (options.key === undefined) await tellOfLeader(ctx, consul, name)
    return EXIT.done
  }
  return printLines(runLines(ended, running, ctx.clock.now().wallMs))
})
