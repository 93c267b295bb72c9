import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { compareAndSet } from '../consul/compare-and-set.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'

/** Which way a node goes. */
export type Direction = 'promote' | 'demote'

/**
 * What a flag says: nothing is to be done; its node is to begin; its node is ready and waits for the others. Another
 * tool's watches and data use the same words, so nothing else ever stands in a flag.
 */
export const FLAG_VALUES = ['NULL', 'START', 'WAIT'] as const

export type FlagValue = (typeof FLAG_VALUES)[number]

/** A flag as it stands. */
export interface Flag {
  readonly value: FlagValue
  /** The key's ModifyIndex; 0 while there is no key, which means NULL. */
  readonly index: number
}

export const NO_FLAG: Flag = { value: 'NULL', index: 0 }

/** The folder of a service's flags and of what we keep beside them. */
export function serviceFolder(service: string): string {
  return `service/${service}/`
}

export function flagKey(service: string, node: string, direction: Direction): string {
  return `${serviceFolder(service)}${node}/${direction}`
}

export function isFlagValue(text: string): text is FlagValue {
  return (FLAG_VALUES as readonly string[]).includes(text)
}

/** Reads what stands at a flag's key. Throws a `malformed` failure for anything but the three words. */
export function parseFlag(key: string, entry: Pick<Entry, 'value' | 'modifyIndex'> | undefined): Flag {
  if (entry === undefined) return NO_FLAG
  const value = entry.value.trim()
  if (isFlagValue(value)) return { value, index: entry.modifyIndex }
  throw new Failure('malformed', `${JSON.stringify(value.slice(0, 40))} at ${key} is no flag`, {
    hint: `it must be ${FLAG_VALUES.join(', ')}: --set NULL mends it`,
  })
}

/** The step that changes a flag, but only from how it was seen. */
export function changeFlag(key: string, seen: Flag, value: FlagValue): TxnOp {
  return { verb: 'cas', key, index: seen.index, value }
}

/** Sets a flag whatever stands there, and settles when Consul has confirmed it. */
export async function setFlag(ctx: Context, consul: Consul, key: string, value: FlagValue): Promise<void> {
  await compareAndSet(ctx, consul, key, () => ({ value }))
}
