/** A program that starts much, and leaves nothing however it ends. */
export interface Play<Settings> {
  readonly usage: string
  /** What the arguments ask for. Throws when they make no sense. */
  settings(): Settings | 'help'
  /** Settles with the exit code; what it defers to `cleanUp` is done in every case. */
  play(settings: Settings, signal: AbortSignal, cleanUp: AsyncDisposableStack): Promise<number>
}

/** Rejects when the signal aborts: for a play that doesn't look at it. */
export function interruption(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  signal.addEventListener('abort', () => reject(signal.reason))
  return promise
}

/** Runs such a program and exits: with its code, with 2 when it failed, with 130 when a signal ended it. */
export async function stage<Settings>({ usage, settings, play }: Play<Settings>): Promise<never> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort(new Error(`Interrupted (${signal}).`)))
  }
  const cleanUp = new AsyncDisposableStack()
  try {
    const wanted = settings()
    if (wanted === 'help') process.stdout.write(usage)
    else process.exitCode = await play(wanted as Settings, interrupted.signal, cleanUp)
  } catch (error) {
    const { reason } = interrupted.signal
    console.error(((reason ?? error) as Error).message)
    if (process.env.DEBUG) console.error(error)
    process.exitCode = interrupted.signal.aborted ? 130 : 2
  }
  await cleanUp.disposeAsync()
  process.exit()
}
