import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { signal } from '../own-process.ts'
import type { Postmaster, ServerProcess } from './postmaster.ts'
import { parseLsn } from './wal-point.ts'

const LOOK_MS = 50
/** A process that writes to somebody who doesn't read must be told again to end. */
const AGAIN_MS = 300
const WALSENDER = /^postgres:.*\bwalsender\b/
const STREAMING = /\bstreaming ([0-9A-F]+\/[0-9A-F]+)$/
const CHECKPOINTER = /^postgres:.*\bcheckpointer\b/

/** How long a stop may take, in milliseconds from its beginning. */
export interface StopTerms {
  /** Then all of it is killed. */
  readonly limitMs: number
  /** Once the log is complete, those who still send to standbys have so long; the server would wait without end. */
  readonly patienceMs: number
  /** Processes that send to standbys that were behind already, and how long the stop may wait for those. */
  readonly laggards: readonly number[]
  readonly laggardPatienceMs: number
}

/** How a server was stopped. */
export interface StopEnd {
  /** It has written all it had, and ended. Otherwise it was killed. */
  readonly byItself: boolean
  /** How far it had sent its log to a standby when it was killed; `undefined`: to none. */
  readonly sent?: bigint | undefined
}

/**
 * Stops a server in the fast mode: its clients are disconnected, the standbys get all that was written. Settles when
 * nothing of it runs.
 */
export async function stopServer(ctx: Context, postmaster: Postmaster, terms: StopTerms): Promise<StopEnd> {
  const server = postmaster.running?.process
  const beganAt = ctx.clock.now()
  let toldMs = Number.NEGATIVE_INFINITY
  if (server) signal(server, 'SIGINT')
  for (;;) {
    const processes = postmaster.processes
    if (processes.length === 0) return { byItself: true }
    const goneMs = ctx.clock.since(beganAt)
    if (!server || goneMs >= terms.limitMs) {
      await postmaster.kill(ctx)
      return { byItself: false, sent: sentBy(processes) }
    }
    const held = heldUpBy(processes, terms, goneMs)
    if (held.length > 0 && goneMs - toldMs >= AGAIN_MS) {
      toldMs = goneMs
      for (const sender of held) signal(sender, 'SIGTERM')
    }
    await sleep(ctx, LOOK_MS)
  }
}

/**
 * Who holds the stop up: a standby that hangs has its sender wait, and that the server. Before the last checkpoint is
 * written the others are still needed, to send it on.
 */
function heldUpBy(processes: readonly ServerProcess[], terms: StopTerms, goneMs: number): readonly ServerProcess[] {
  const senders = processes.filter(({ title }) => WALSENDER.test(title))
  const isComplete = !processes.some(({ title }) => CHECKPOINTER.test(title))
  if (isComplete && goneMs >= terms.patienceMs) return senders
  return goneMs >= terms.laggardPatienceMs ? senders.filter(({ pid }) => terms.laggards.includes(pid)) : []
}

/** The furthest of all; a server sends nothing that isn't on its own disk. */
function sentBy(processes: readonly ServerProcess[]): bigint | undefined {
  const senders = processes.filter(({ title }) => WALSENDER.test(title))
  const sent = senders.flatMap(({ title }) => parseLsn(STREAMING.exec(title)?.[1] ?? '') ?? [])
  return sent.reduce<bigint | undefined>((most, lsn) => (most === undefined || lsn > most ? lsn : most), undefined)
}
