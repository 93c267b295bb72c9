import { aborted, firstOf, sleep, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { unlessInterrupted } from '../child/interruptible-wait.ts'
import type { SignalSource } from '../child/signals.ts'
import type { Hold } from '../lock/hold.ts'
import { lossIn } from '../lock/loss.ts'

/**
 * Keeps the lock for so many milliseconds more, so that machines whose clocks differ don't run a quick command one
 * after the other. The command has ended, and its result stands: a signal or the loss of the lock ends the wait, and
 * changes nothing else.
 */
export async function holdFor(
  ctx: Context,
  { name, signals, hold, ms }: { name: string; signals: SignalSource; hold: Hold; ms: number },
): Promise<void> {
  if (ms <= 0) return
  ctx.log.debug(`keeping the lock ${name} for ${formatDuration(ms)} more`)
  await firstOf<void>(ctx, [
    async (ctx) => {
      await unlessInterrupted(ctx, signals, (ctx) => sleep(ctx, ms))
    },
    async (ctx) => {
      await unlessAborted(ctx.signal, aborted(hold.lost))
      ctx.log.warn(`the lock ${name} was not held as long as it should be: ${lossIn(hold.lost).sentence}`)
    },
  ])
}
