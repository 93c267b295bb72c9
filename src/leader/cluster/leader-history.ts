import * as v from 'valibot'
import { storedInstant, storedText } from '../../consul/stored-value.ts'

/** The time of one master, from its promotion on. Instants are ISO dates. */
export interface Reign {
  readonly node: string
  readonly address: string
  readonly port: number
  readonly since: string
  /** The fencing token. */
  readonly fence?: number
  readonly until?: string
  /** Why it ended, in words, and who asked for it. */
  readonly why?: string
  readonly by?: string
}

/** How a reign ended. */
export type ReignEnd = Required<Pick<Reign, 'until' | 'why'>> & Pick<Reign, 'by'>

/** A switchover that was scheduled, and didn't come about at `at`, an ISO date. */
export interface RefusedSwitchover {
  readonly at: string
  readonly candidate: string
  readonly by: string
  readonly why: string
}

/** The last masters of a cluster, and what was scheduled in vain, oldest first. */
export interface History {
  readonly reigns?: readonly Reign[]
  readonly refusals?: readonly RefusedSwitchover[]
}

/** All of it by the time at which it began, oldest first. */
export function eventsIn({ reigns = [], refusals = [] }: History): (Reign | RefusedSwitchover)[] {
  const beganMs = (event: Reign | RefusedSwitchover) => Date.parse('candidate' in event ? event.at : event.since)
  return [...reigns, ...refusals].sort((one, other) => beganMs(one) - beganMs(other))
}

const MOST = 50
const LONGEST = 200
const GONE = 'its node or its agent was gone'

export const HISTORY: v.GenericSchema<unknown, History> = v.object({
  reigns: v.exactOptional(
    v.array(
      v.object({
        node: storedText,
        address: storedText,
        port: v.pipe(v.number(), v.integer()),
        since: storedInstant,
        fence: v.exactOptional(v.number()),
        until: v.exactOptional(storedInstant),
        why: v.exactOptional(storedText),
        by: v.exactOptional(storedText),
      }),
    ),
  ),
  refusals: v.exactOptional(
    v.array(v.object({ at: storedInstant, candidate: storedText, by: storedText, why: storedText })),
  ),
})

/** A new reign; whoever reigned before without an end has gone without a word. */
export function withReign({ reigns = [], ...others }: History, reign: Reign): History {
  const closed = reigns.map((one) => (one.until === undefined ? { ...one, until: reign.since, why: GONE } : one))
  return { ...others, reigns: [...closed, reign].slice(-MOST) }
}

export function withRefusal({ refusals = [], ...others }: History, refused: RefusedSwitchover): History {
  const { why, by } = refused
  return { ...others, refusals: [...refusals, { ...refused, why: shortened(why), by: shortened(by) }].slice(-MOST) }
}

/**
 * The last reign of a node is over; `since`: only that which began then, though another one has closed it meanwhile.
 * `undefined` when there is none such.
 */
export function withEnd(history: History, node: string, end: ReignEnd, since?: string): History | undefined {
  const { reigns = [] } = history
  const isMeant = (reign: Reign) =>
    reign.node === node && (since === undefined ? reign.until === undefined : reign.since === since)
  const at = reigns.findLastIndex(isMeant)
  if (at < 0) return undefined
  const { until, why, by } = end
  const by_ = by === undefined ? {} : { by: shortened(by) }
  return {
    ...history,
    reigns: reigns.map((reign, index) => (index === at ? { ...reign, until, why: shortened(why), ...by_ } : reign)),
  }
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}
