import { Failure } from '../../../../base/failure.ts'
import { printable } from '../../../../base/printable.ts'
import { randomId } from '../../../../base/random-id.ts'
import { requestReinit, sourceOfReinit } from '../../../../leader/cluster/reinit-access.ts'
import { EXIT } from '../../../exit-codes.ts'
import { interruptible } from '../../../invocation/interruptible.ts'
import { whoAsks } from '../../../invocation/who-asks.ts'
import { confirmed } from '../../../output/confirmation.ts'
import { print } from '../../../output/print.ts'
import { knownCluster } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Has the agent of a node throw its data away, and take the master's. */
export function reinit({ ctx, request, access, options }: LeaderWordCall): Promise<number> {
  const { name } = access
  const { words, signals } = request
  const [, , node = options.node] = words
  if (node === undefined) {
    throw new Failure('usage', 'no node was named', { hint: `consul-locker leader reinit ${name} <node>` })
  }
  return interruptible(ctx, signals, async (ctx) => {
    const source = sourceOfReinit(await knownCluster(ctx, access), node)
    const question = `Throw away the data of ${name} on ${node}, and take those of ${source}?`
    const unasked = new Failure('usage', `${printable(question)} Nobody is there to be asked`, {
      hint: '--yes answers',
    })
    if (!options.yes && !(await confirmed(ctx, question, unasked))) {
      ctx.log.notice('nothing was done')
      return EXIT.no
    }
    const at = new Date(ctx.clock.now().wallMs).toISOString()
    await requestReinit(ctx, access, node, { id: randomId(), by: whoAsks(), at })
    return print(`${name}: asked ${node} to take the data of ${source}; see consul-locker leader status ${name}`)
  })
}
