import * as v from 'valibot'
import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import { storedText } from '../../consul/stored-value.ts'
import { transact } from '../../consul/txn.ts'
import type { SaidPosition } from '../machine/occasion.ts'
import type { LeaderKeys } from './leader-keys.ts'

const DIGITS = /^\d{1,40}$/

/** What a node has said of how much it has. */
export const SAID_POSITION: v.GenericSchema<unknown, SaidPosition> = v.object({
  position: v.pipe(
    v.string(),
    v.regex(DIGITS),
    v.transform((digits) => BigInt(digits)),
  ),
  occasion: storedText,
})

/** Tells the other nodes how much this one has. Rejects with a `Failure`. */
export async function sayPosition(
  ctx: Context,
  consul: Consul,
  { positions }: LeaderKeys,
  node: string,
  { position, occasion }: SaidPosition,
): Promise<void> {
  const value = JSON.stringify({ position: String(position), occasion })
  await transact(ctx, consul, [{ verb: 'set', key: positions + node, value }])
}
