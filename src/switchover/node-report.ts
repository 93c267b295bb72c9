import * as v from 'valibot'
import { storedAs, storedText } from '../consul/stored-value.ts'
import type { Direction, Flag, FlagValue } from './flags.ts'
import { FLAG_VALUES, serviceFolder } from './flags.ts'

/** What a node made of one value of a flag. */
export interface HandledFlag {
  /** The flag's ModifyIndex: another one is another transition. */
  readonly index: number
  readonly value: FlagValue
  readonly outcome: 'done' | 'failed'
  /** What went wrong, in one sentence. */
  readonly note?: string
}

/**
 * What a node tells of its flags. It stands beside them, so that a value that was dealt with isn't dealt with again
 * when a watch fires for no reason, and so that others hear when a service didn't start or stop.
 */
export type NodeReport = Readonly<Partial<Record<Direction, HandledFlag>>>

export function reportKey(service: string, node: string): string {
  return `${serviceFolder(service)}${node}/report`
}

const HANDLED: v.GenericSchema<unknown, HandledFlag> = v.object({
  index: v.number(),
  value: v.picklist(FLAG_VALUES),
  outcome: v.picklist(['done', 'failed']),
  note: v.exactOptional(storedText),
})

const REPORT: v.GenericSchema<unknown, NodeReport> = v.object({
  promote: v.exactOptional(HANDLED),
  demote: v.exactOptional(HANDLED),
})

/** Reads a node's report; what can't be read counts as none. */
export function parseReport(text: string | undefined): NodeReport {
  return (text === undefined ? undefined : storedAs(REPORT, text)) ?? {}
}

/** Whether a node has dealt with a flag as it stands. */
export function hasHandled(report: NodeReport, direction: Direction, flag: Flag): boolean {
  const handled = report[direction]
  return handled?.index === flag.index && handled.outcome === 'done'
}
