/** Which of the command's streams something was written to. */
export type OutputStream = 'stdout' | 'stderr'

/** What becomes of the command's output, beside going where ours goes. */
export interface OutputPlan {
  /** Nothing of it is shown unless the run fails; then all of it is. */
  readonly quietUnlessFail: boolean
  /** Each of its lines begins with the time. */
  readonly timestamps: boolean
  /** A file that gets all of it, too, and how large that may grow, in bytes, before another one is begun. */
  readonly tee?: { readonly file: string; readonly maxBytes?: number }
}

/** Takes what the command writes, in order; settles when there is room for more, and rejects as a write does. */
export interface OutputSink {
  write(stream: OutputStream, bytes: Buffer): Promise<void>
  /** Nothing more comes. */
  close?(): void
}
