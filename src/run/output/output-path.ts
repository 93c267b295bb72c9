import type { Context } from '../../base/context.ts'
import { reasonOf } from '../../base/failure.ts'
import { NonBlockingOutput } from '../../base/nonblocking-output.ts'
import { LineStamper, timeStamp } from './line-stamper.ts'
import type { OutputPlan, OutputSink, OutputStream } from './output-plan.ts'
import type { Spool } from './spool.ts'
import { Tee } from './tee.ts'

/** Where both streams lead, as file descriptors. */
export type Descriptors = Readonly<Record<OutputStream, number>>

export const OWN: Descriptors = { stdout: 1, stderr: 2 }

/** Our own standard streams. */
class OwnStreams implements OutputSink {
  readonly #ctx: Context
  readonly #outputs: Readonly<Record<OutputStream, NonBlockingOutput>>
  #isTroubled = false

  constructor(ctx: Context, { stdout, stderr }: Descriptors) {
    this.#ctx = ctx
    this.#outputs = { stdout: new NonBlockingOutput(stdout), stderr: new NonBlockingOutput(stderr) }
  }

  /** Rejects when nobody can read it any more. What a full disk doesn't take is dropped, with a warning. */
  async write(stream: OutputStream, bytes: Buffer): Promise<void> {
    try {
      await this.#outputs[stream].write(bytes)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'EPIPE') throw thrown
      if (!this.#isTroubled) this.#ctx.log.warn(`the command's output can't be written: ${reasonOf(thrown)}`)
      this.#isTroubled = true
    }
  }
}

/** The way that a command's output takes through us: stamped, into a file, and held back or shown. */
export class OutputPath implements OutputSink {
  readonly #ctx: Context
  readonly #own: OwnStreams
  readonly #tee: Tee | undefined
  readonly #stampers: Record<OutputStream, LineStamper> | undefined
  readonly #listener: OutputSink | undefined
  #spool: Spool | undefined

  /**
   * Throws a `usage` failure for a file that can't be written to. A spool is held back until it is shown; a listener
   * gets all of it, too. Tests have other streams of their `own`.
   */
  constructor(ctx: Context, plan: OutputPlan, spool: Spool | undefined, listener?: OutputSink, own = OWN) {
    this.#ctx = ctx
    this.#own = new OwnStreams(ctx, own)
    this.#tee = plan.tee && new Tee(ctx, plan.tee.file, plan.tee.maxBytes)
    this.#stampers = plan.timestamps ? { stdout: new LineStamper(), stderr: new LineStamper() } : undefined
    this.#spool = spool
    this.#listener = listener
  }

  /** Rejects when nobody can read our own stream any more. */
  async write(stream: OutputStream, bytes: Buffer): Promise<void> {
    const now = () => timeStamp(this.#ctx.clock.now().wallMs)
    const ready = this.#stampers ? this.#stampers[stream].stamped(bytes, now()) : bytes
    const sinks = [this.#listener, this.#tee, this.#spool ?? this.#own]
    await Promise.all(sinks.map((sink) => sink?.write(stream, ready)))
  }

  /** Shows what was held back, and what comes from now on. */
  async show(): Promise<void> {
    const spool = this.#spool
    this.#spool = undefined
    await spool?.replay(this.#own, (bytes) =>
      this.#ctx.log.warn(
        `${bytes} bytes of the command's output are missing here: there was no room to hold them back`,
      ),
    )
  }

  close(): void {
    this.#tee?.close()
    this.#listener?.close?.()
  }
}
