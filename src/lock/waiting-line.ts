import type { Context } from '../base/context.ts'
import type { BlockingQuery } from '../consul/blocking-query.ts'
import type { Entry, KeyReading } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { QueueTicket } from './queue-ticket.ts'

/** A session's position in the queue. */
export interface QueuePosition {
  /** How many living sessions are before it; `undefined`: one or more. */
  readonly ahead: number | undefined
  /** The last of those. */
  readonly before: Entry | undefined
  /**
   * One of those waits for other locks, too: it may leave this one alone while it is free, and isn't passed for that.
   */
  readonly isFirm: boolean
  /** What is to be done together with taking the lock, so that the queue moves up. */
  readonly leaving: readonly TxnOp[]
}

/** One that was counted. */
export interface CountedPosition extends QueuePosition {
  readonly ahead: number
}

/** What going into a queue has told, without reading it. */
export interface Entrance {
  readonly ticket: QueueTicket
  /** What takes away the key that names the last, for as long as that is the newcomer. */
  readonly removeTail: readonly TxnOp[]
  /** Absent when the one that should be before us has gone. */
  readonly position: QueuePosition | undefined
}

/** A place to stand in line: one queue, or several at once. */
export interface Line {
  /** The conditions under which one may go ahead without standing in it. */
  readonly ifNobodyQueues: readonly TxnOp[]
  /** The operations that take us out of it. */
  readonly leaving: readonly TxnOp[]
  /**
   * Goes to the end; `isFormed` is a guess at whether others stand there. Who is in it already stays where it is.
   * Settles with `undefined` when only a look tells where.
   */
  enter(ctx: Context, waiter: Waiter, isFormed: boolean): Promise<Entrance | undefined>
  atHead(ctx: Context): Promise<CountedPosition>
  look(ctx: Context): Promise<CountedPosition>
  watch(before: Entry): BlockingQuery<KeyReading>
  leave(ctx: Context): Promise<void>
}

/** One that stands in a line. */
export interface Waiter {
  /** The record that it would hold with. */
  readonly record: string
  /** In milliseconds since 1970. */
  readonly sinceMs: number
}
