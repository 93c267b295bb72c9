import {
  awaitHandover,
  awaitNewMaster,
  requestStepDown,
  setDisabled,
} from '../../../../leader/cluster/cluster-access.ts'
import type { ClusterStatus } from '../../../../leader/cluster/cluster-status.ts'
import { EXIT } from '../../../exit-codes.ts'
import { whoAsks } from '../../../invocation/who-asks.ts'
import { print } from '../../../output/print.ts'
import { DEFAULT_TIMEOUT_MS } from '../syntax.ts'
import { clusterToFree, clusterToSwitch } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Takes a node out; a master hands over, if anybody can take over, and the next one is waited for. */
export async function disable(call: LeaderWordCall): Promise<number> {
  const { ctx, access, options } = call
  const node = await call.node()
  const { force } = options
  const cluster = await clusterToSwitch(ctx, access, { node, force })
  if (cluster.master?.node !== node) {
    await setDisabled(ctx, access, node, whoAsks())
    return EXIT.done
  }
  const { master } = await (force ? disableMaster(call, node) : handOverFirst(call, node))
  return print(`${access.name}: ${master?.node} is master now, after ${node}`)
}

/** A hand-over that is refused leaves everything as it is. */
async function handOverFirst({ ctx, access, options }: LeaderWordCall, node: string): Promise<ClusterStatus> {
  const asked = await requestStepDown(ctx, access, { by: whoAsks(), force: false })
  const cluster = await awaitHandover(ctx, access, asked, options.timeout ?? DEFAULT_TIMEOUT_MS)
  await setDisabled(ctx, access, node, whoAsks())
  return cluster
}

async function disableMaster({ ctx, access, options }: LeaderWordCall, node: string): Promise<ClusterStatus> {
  await setDisabled(ctx, access, node, whoAsks())
  return awaitNewMaster(ctx, access, node, options.timeout ?? DEFAULT_TIMEOUT_MS)
}

/** Brings a node back. */
export async function enable({ ctx, access, node: named }: LeaderWordCall): Promise<number> {
  const node = await named()
  const { members, absent } = await clusterToFree(ctx, access, node)
  const isDisabled = absent.includes(node) || members.some((member) => member.node === node && member.disabled)
  if (!isDisabled) ctx.log.notice(`${access.name} was not disabled on ${node}`)
  await setDisabled(ctx, access, node, undefined)
  return EXIT.done
}
