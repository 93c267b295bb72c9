import { isatty } from 'node:tty'
import { scope, sleep } from '../../../../base/abort.ts'
import { under } from '../../../../base/context.ts'
import { Failure } from '../../../../base/failure.ts'
import { shellStatus } from '../../../../child/exit-status.ts'
import { Interrupted } from '../../../../child/interruptible-wait.ts'
import { ENDS_US } from '../../../../child/signals.ts'
import { Retry } from '../../../../consul/retry.ts'
import { readClusterStatus } from '../../../../leader/cluster/cluster-status.ts'
import { printed, printLines, printText } from '../../../output/print.ts'
import { clusterTable } from '../view.ts'
import { knownCluster } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

const FOLLOW_MS = 1000
const CLEAR = '\x1b[H\x1b[J'

/** Who is master, and how the others stand. */
export async function status(call: LeaderWordCall): Promise<number> {
  const { ctx, access, options } = call
  if (options.watch) return follow(call)
  const cluster = await knownCluster(ctx, access)
  return printLines(options.json ? [JSON.stringify(cluster)] : clusterTable(cluster, ctx.clock.now().wallMs))
}

/** Paints the cluster anew each second until a signal comes. */
async function follow({ ctx, request: { signals }, access: { consul, name, keys } }: LeaderWordCall): Promise<number> {
  if (!isatty(1)) throw new Failure('usage', '--watch is for terminals', { hint: 'leave it out, or use --json' })
  using stop = scope(ctx.signal)
  using _listening = signals.listen((signal) => {
    if (ENDS_US.includes(signal)) stop.abort(new Interrupted(signal))
  })
  const bounded = under(ctx, stop.signal)
  const retry = new Retry(consul)
  try {
    for (;;) {
      const cluster = await retry.until(bounded, () => readClusterStatus(bounded, consul, name, keys))
      printText(CLEAR)
      printLines(clusterTable(cluster, ctx.clock.now().wallMs))
      await printed(bounded, 0)
      await sleep(bounded, FOLLOW_MS)
    }
  } catch (thrown) {
    if (!(thrown instanceof Interrupted)) throw thrown
    return shellStatus(thrown)
  }
}
