import { readKey } from '../../../../consul/kv.ts'
import { storedAs } from '../../../../consul/stored-value.ts'
import { eventsIn, HISTORY } from '../../../../leader/cluster/leader-history.ts'
import { EXIT } from '../../../exit-codes.ts'
import { printLines } from '../../../output/print.ts'
import { historyLines } from '../history-table.ts'
import { knownCluster } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Who led when, and why that ended, and what was scheduled in vain; the last one is at the bottom. */
export async function history({ ctx, access, options }: LeaderWordCall): Promise<number> {
  const { consul, name, keys } = access
  const { entry } = await readKey(ctx, consul, keys.history, { consistent: true, rights: 'read' })
  if (entry === undefined) await knownCluster(ctx, access)
  const events = eventsIn(storedAs(HISTORY, entry?.value ?? '{}') ?? {})
  if (events.length === 0) ctx.log.notice(`no master of ${name} has been recorded`)
  if (options.json) return printLines([JSON.stringify(events)])
  return events.length === 0 ? EXIT.done : printLines(historyLines(events, ctx.clock.now().wallMs))
}
