import type { Context } from './context.ts'

/** The same context, whose messages only `DEBUG` shows: for work whose trouble another part tells of. */
export function quiet(ctx: Context): Context {
  const { log } = ctx
  const quiet = log.debug.bind(log)
  return {
    ...ctx,
    log: { debugging: log.debugging, mark: log.mark.bind(log), debug: quiet, notice: quiet, warn: quiet, error: quiet },
  }
}
