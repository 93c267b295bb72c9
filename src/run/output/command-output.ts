import { closeSync, fstatSync } from 'node:fs'
import { AbortReason, unlessAborted } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import type { OutputStreams } from '../../child/child.ts'
import { shellStatus } from '../../child/exit-status.ts'
import { internalOutput } from '../../child/internal-command.ts'
import { openPipe, type Pipe } from '../../child/pipe.ts'
import type { RunResult } from '../run-outcome.ts'
import { FallbackReader } from './fallback-reader.ts'
import { type Descriptors, OutputPath, OWN } from './output-path.ts'
import type { OutputPlan, OutputSink, OutputStream } from './output-plan.ts'
import { Pump } from './pump.ts'
import { Spool } from './spool.ts'

/** What the command has started may still have something to say when it has ended, but no daemon keeps us longer. */
const LINGER_MS = 1000

const LINGERED = new AbortReason('the command has ended, and nobody says anything more')

/**
 * The command's output, where it takes a way through us. It goes on when we are killed, and stops the command's writing
 * as our reader stops ours.
 */
export class CommandOutput {
  readonly #pipes: readonly Pipe[]
  readonly #path: OutputPath
  readonly #fallback: FallbackReader
  readonly #leaving = new AbortController()
  /** Settle with whether nobody can write to a pipe any more. */
  #pumping: Promise<boolean[]> | undefined
  #isSuccess = false

  private constructor(pipes: readonly Pipe[], path: OutputPath, fallback: FallbackReader) {
    this.#pipes = pipes
    this.#path = path
    this.#fallback = fallback
  }

  /**
   * `listener` gets all of it, too. Rejects with a `Failure`: a file that can't be written to, no room for a pipe. It
   * must be `settled`. Tests have other streams of their `own`.
   */
  static async open(
    ctx: Context,
    environment: NodeJS.ProcessEnv,
    plan: OutputPlan,
    listener?: OutputSink,
    own = OWN,
  ): Promise<CommandOutput> {
    const spool = plan.quietUnlessFail ? Spool.open(environment) : undefined
    const path = new OutputPath(ctx, plan, spool, listener, own)
    const pipes = await openPipes(ctx, environment, own)
    const inherited = [
      ...pipes.map(({ secondReadEnd }) => secondReadEnd),
      ...(spool?.fd === undefined ? [] : [spool.fd]),
    ]
    const fallback = new FallbackReader(
      inherited,
      internalOutput(environment, { plan, pipes: pipes.length, isSpooled: spool?.fd !== undefined }),
      own,
    )
    for (const { secondReadEnd } of pipes) closeSync(secondReadEnd)
    return new CommandOutput(pipes, path, fallback)
  }

  /** Has the command started with these streams, and carries what comes out of them from then on. */
  async launch<T>(start: (streams: OutputStreams) => Promise<T>): Promise<T> {
    const [stdout, stderr = stdout] = this.#pipes.map(({ writeEnd }) => writeEnd) as [number, number?]
    try {
      return await start({ stdout, stderr })
    } finally {
      for (const { writeEnd } of this.#pipes) closeSync(writeEnd)
      this.#pumping = Promise.all(this.#pipes.map(({ readEnd }, n) => this.#carry(new Pump(readEnd, streamOf(n)), n)))
    }
  }

  async #carry(pump: Pump, n: number): Promise<boolean> {
    try {
      return await pump.run(this.#path, this.#leaving.signal)
    } catch (thrown) {
      if (!isReaderGone(thrown)) throw thrown
      // The command is to notice it as it would without us.
      this.#fallback.shut(n)
      return true
    }
  }

  /** The run is over; the output of a success needn't be shown. */
  finished({ outcome }: RunResult): void {
    this.#isSuccess = outcome.kind === 'ran' && shellStatus(outcome.status) === 0
  }

  /**
   * Carries what is left, shows what was held back if it is wanted, and lets go. A reader that doesn't read is waited
   * for; the signal ends that.
   */
  async settled(ctx: Context): Promise<void> {
    const cancel = ctx.clock.after(LINGER_MS, () => this.#leaving.abort(LINGERED))
    let open = this.#pipes.map((_, n) => n)
    try {
      const ended = await unlessAborted(ctx.signal, this.#pumping ?? this.#never())
      open = open.filter((n) => !ended[n])
      if (open.length > 0) {
        ctx.log.notice('what the command left behind has its output still open; what it writes from now on is dropped')
      }
      if (!this.#isSuccess) await unlessAborted(ctx.signal, this.#path.show().catch(unlessReaderGone))
    } catch (thrown) {
      if (!ctx.signal.aborted) throw thrown
    } finally {
      cancel()
      this.#path.close()
      this.#fallback.leave(open)
    }
  }

  /** The command wasn't started. */
  async #never(): Promise<boolean[]> {
    for (const { readEnd, writeEnd } of this.#pipes) {
      closeSync(readEnd)
      closeSync(writeEnd)
    }
    return this.#pipes.map(() => true)
  }
}

/** One for both streams where both lead to the same, as with cron: then their order is the command's own. */
async function openPipes(ctx: Context, environment: NodeJS.ProcessEnv, own: Descriptors): Promise<Pipe[]> {
  const [stdout, stderr] = [fstatSync(own.stdout), fstatSync(own.stderr)]
  const isOne = stdout.dev === stderr.dev && stdout.ino === stderr.ino
  const pipes = await Promise.all((isOne ? [1] : [1, 2]).map(() => openPipe(ctx, environment)))
  return pipes.map((pipe) => {
    if (pipe) return pipe
    throw new Failure('usage', "there can't be a pipe for the command's output", {
      hint: 'is there a mkfifo, and a /run, /dev/shm or /tmp that this user may write to?',
    })
  })
}

/** A pipe's stream, by its number. */
export function streamOf(pipe: number): OutputStream {
  return pipe === 0 ? 'stdout' : 'stderr'
}

function isReaderGone(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'EPIPE'
}

/** Nobody reads our own stream any more. */
export function unlessReaderGone(thrown: unknown): void {
  if (!isReaderGone(thrown)) throw thrown
}
