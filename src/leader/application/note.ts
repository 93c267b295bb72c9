import * as v from 'valibot'
import { storedText } from '../../consul/stored-value.ts'

const DIGITS = /^\d{1,40}$/

/** What the last master had, as it said itself: a node that has less may not lead. */
export interface Note {
  /** Whose note it is. */
  readonly node: string
  /** Which history of the data the position belongs to: Redis' replication id, PostgreSQL's timeline. */
  readonly history: string
  /** In that history. */
  readonly position: bigint
  /** By how much a node may be short of it: 0 once the master was demoted and knew its end. */
  readonly slack: bigint
  /** By what whole data are known, where a history and a position don't say enough. */
  readonly token?: string | undefined
}

const integer = v.pipe(
  v.string(),
  v.regex(DIGITS),
  v.transform((digits) => BigInt(digits)),
)

/** A note as it stands in Consul. */
export const NOTE: v.GenericSchema<unknown, Note> = v.object({
  node: storedText,
  history: storedText,
  position: integer,
  slack: integer,
  token: v.optional(storedText),
})

/** The text of a note; JSON has no integers of 64 bits. */
export function noteText({ node, history, position, slack, token }: Note): string {
  return JSON.stringify({ node, history, position: String(position), slack: String(slack), token })
}

/** What a node has. */
export interface OwnData {
  /** The histories that its data go on from, its own first. */
  readonly histories: readonly string[]
  readonly position: bigint
}

/** Why these data don't go on from what was noted; `undefined`: they do. */
export function shortfall({ histories, position }: OwnData, note: Note): string | undefined {
  if (!histories.includes(note.history)) {
    return `these data don't go on from those of ${note.node} (history ${histories.join(', ') || 'none'}, not ${note.history})`
  }
  if (position >= note.position - note.slack) return undefined
  return `at ${position}, and ${note.node} was at ${note.position}`
}
