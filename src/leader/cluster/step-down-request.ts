import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { randomId } from '../../base/random-id.ts'
import { compareAndSet } from '../../consul/compare-and-set.ts'
import type { Consul } from '../../consul/consul.ts'
import { readKey } from '../../consul/kv.ts'
import { storedAs } from '../../consul/stored-value.ts'
import { transact } from '../../consul/txn.ts'
import { STEP_DOWN, type StepDown } from './cluster-switches.ts'
import type { LeaderKeys } from './leader-keys.ts'
import { recordRefusal } from './scheduled-switchover.ts'

/** Asks the master on a node to step down. Settles with the request's id. */
export async function askForStepDown(
  ctx: Context,
  consul: Consul,
  { stepDown: key }: LeaderKeys,
  request: Omit<StepDown, 'id' | 'at'>,
): Promise<string> {
  const id = randomId()
  const value: StepDown = { ...request, id, at: new Date(ctx.clock.now().wallMs).toISOString() }
  await transact(ctx, consul, [{ verb: 'set', key, value: JSON.stringify(value) }])
  return id
}

/**
 * Takes the request at this index away, for it is granted, or says why it is refused: there, where somebody waits for
 * that, and in the history when it was scheduled.
 */
export async function answerStepDown(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  index: number,
  refused: string | undefined,
): Promise<void> {
  const { stepDown: key } = keys
  const { entry } = await readKey(ctx, consul, key, { consistent: true })
  const request = entry && storedAs(STEP_DOWN, entry.value)
  // Somebody else asks by now.
  if (!request || entry.modifyIndex !== index) return
  const { node, candidate = node, by, scheduled } = request
  const value = JSON.stringify({ ...request, refused })
  const isOver = refused === undefined || scheduled
  const answer = isOver ? { verb: 'delete-cas' as const } : { verb: 'cas' as const, value }
  const { done } = await transact(ctx, consul, [{ ...answer, key, index }])
  if (done && scheduled && refused !== undefined)
    await recordRefusal(ctx, consul, keys, { candidate, by, why: refused })
}

/** Takes back what nobody waits for any more, whether it was answered or not. */
export async function withdrawStepDown(
  ctx: Context,
  consul: Consul,
  { stepDown: key }: LeaderKeys,
  id: string,
): Promise<void> {
  await compareAndSet(ctx, consul, key, (entry) =>
    entry && storedAs(STEP_DOWN, entry.value)?.id === id ? 'delete' : 'keep',
  )
}

/** Rejects with a `precondition` failure when the master has refused this request. */
export async function checkGranted(ctx: Context, consul: Consul, { stepDown }: LeaderKeys, id: string): Promise<void> {
  const { entry } = await readKey(ctx, consul, stepDown, { consistent: true })
  const request = entry && storedAs(STEP_DOWN, entry.value)
  if (request?.id !== id || request.refused === undefined) return
  throw new Failure('precondition', `${request.node} stays master: ${request.refused}`, {
    hint: '--force has it step down nevertheless',
  })
}
