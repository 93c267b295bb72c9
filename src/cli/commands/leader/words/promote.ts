import type { Context } from '../../../../base/context.ts'
import { Failure } from '../../../../base/failure.ts'
import { printable } from '../../../../base/printable.ts'
import type { SignalSource } from '../../../../child/signals.ts'
import { acceptLoss, withdrawPromotion } from '../../../../leader/cluster/accepted-loss.ts'
import { awaitNewMaster } from '../../../../leader/cluster/cluster-access.ts'
import type { ClusterStatus } from '../../../../leader/cluster/cluster-status.ts'
import { EXIT } from '../../../exit-codes.ts'
import { interruptible } from '../../../invocation/interruptible.ts'
import { whoAsks } from '../../../invocation/who-asks.ts'
import { goesOn } from '../../../output/confirmation.ts'
import { print, printLines } from '../../../output/print.ts'
import { DEFAULT_TIMEOUT_MS } from '../syntax.ts'
import { knownCluster } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

const HINT = 'consul-locker leader promote <name> <node> --accept-loss'

/** When nobody is ready to lead: has a node lead, whatever it lacks of what the last master had. */
export async function promote({ ctx, request, access, options, operand: node }: LeaderWordCall): Promise<number> {
  if (node === undefined) throw new Failure('usage', 'no node was named', { hint: HINT })
  if (!options['accept-loss']) {
    throw new Failure('usage', 'writes that only other nodes have are lost by this', { hint: HINT })
  }
  const { consul, keys, name } = access
  const cluster = await knownCluster(ctx, access)
  checkPromotable(cluster, node)
  printLines(whatIsKnown(cluster).map(printable))
  const answer = options.yes ? EXIT.done : await askFirst(ctx, request.signals, node)
  if (answer !== EXIT.done) return answer
  const id = await acceptLoss(ctx, consul, keys, { node, by: whoAsks() })
  try {
    const { master } = await awaitNewMaster(ctx, access, '', options.timeout ?? DEFAULT_TIMEOUT_MS)
    if (master?.node === node) return print(`${name}: ${node} is master now`)
    throw new Failure('precondition', `${name}: ${master?.node} has become master, and not ${node}`)
  } finally {
    await withdrawPromotion(ctx, consul, keys, id)
  }
}

function checkPromotable({ name, master, members }: ClusterStatus, node: string): void {
  const found = members.find((member) => member.node === node)
  const why = master
    ? `${master.node} holds the lock of ${name}`
    : found === undefined
      ? `no agent of ${name} is on ${node}`
      : found.disabled
        ? `${node} is disabled`
        : found.health === 'passing'
          ? undefined
          : `${name} is not healthy on ${node}: ${found.message || found.health}`
  const hint = found ? undefined : `its nodes are ${members.map(({ node }) => node).join(', ')}`
  if (why !== undefined) throw new Failure('precondition', why, { hint })
}

/** What each node has, and what the last master had: by that a person decides what may be lost. */
function whatIsKnown({ members, note }: ClusterStatus): string[] {
  const had = note === undefined ? [] : [`the last master, ${note.node}, was at ${note.position} of ${note.history}`]
  return [
    ...had,
    ...members.map(({ node, position = 'nobody knows where', health }) => `${node}: ${position}, ${health}`),
  ]
}

function askFirst(ctx: Context, signals: SignalSource, node: string): Promise<number> {
  return interruptible(ctx, signals, async (ctx) =>
    (await goesOn(ctx, `what ${node} lacks is lost for good`)) ? EXIT.done : EXIT.no,
  )
}
