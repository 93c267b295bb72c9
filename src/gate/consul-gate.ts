import type { Context } from '../base/context.ts'
import type { QueryOptions } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { type Instance, readInstances } from '../consul/instances.ts'
import { readKey } from '../consul/kv.ts'
import { type GateOf, type GateState, gateState, OPEN, shut } from './gate.ts'

/** How a gate stands at Consul, and the index to wait from. */
export interface ConsulReading {
  readonly state: GateState
  readonly index: number
}

/** Looks at once, or when something has changed since an index. Rejects with a `Failure`. */
export async function readConsulGate(
  ctx: Context,
  consul: Consul,
  gate: GateOf<'service' | 'kv'>,
  from: QueryOptions,
): Promise<ConsulReading> {
  if (gate.kind === 'kv') {
    const reading = await readKey(ctx, consul, gate.key, { ...from, rights: 'read' })
    return { state: invertedIfAsked(gate, judgeValue(gate, reading.entry?.value)), index: reading.index }
  }
  const { service, tag } = gate
  const found = await readInstances(ctx, consul, service, { ...from, ...(tag === undefined ? {} : { tag }) })
  return { state: invertedIfAsked(gate, judgeInstances(gate, found.instances)), index: found.index }
}

function invertedIfAsked(gate: GateOf<'service' | 'kv'>, state: GateState): GateState {
  return gateState(gate, state.open, state.open ? 'it is as it should not be' : state.why)
}

/** How a key's gate stands when this is its value; `undefined` for a key that isn't there. */
export function judgeValue({ value }: GateOf<'kv'>, found: string | undefined): GateState {
  if (found === undefined) return shut('there is no such key')
  if (value === undefined) return found === '' ? shut('it is empty') : OPEN
  if (found === value) return OPEN
  // What is found may be a secret. A line break at the end is the usual reason why it isn't what is waited for.
  return shut(found.trim() === value.trim() ? 'it has blanks or a line break around it' : 'it has another value')
}

/** How a service's gate stands with these instances. */
export function judgeInstances({ least }: GateOf<'service'>, instances: readonly Instance[]): GateState {
  const healthy = instances.filter(({ health }) => health === 'passing').length
  if (healthy >= least) return OPEN
  if (instances.length === 0) return shut('none is registered')
  return shut(least === 1 ? `none of ${instances.length} is healthy` : `${healthy} of ${least} are healthy`)
}
