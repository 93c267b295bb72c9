import { realpathSync } from 'node:fs'
import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { takeHostMutex } from '../host/host-mutex.ts'

const RETRY_MS = 50

/**
 * Keeps two of us from starting and stopping the services of one init script at once: a watch that fires, and somebody
 * at the keyboard. Rejects with a `conflict` failure when it isn't free within `limitMs`.
 */
export async function lockScript(
  ctx: Context,
  environment: NodeJS.ProcessEnv,
  script: string,
  limitMs: number,
): Promise<Disposable> {
  const start = ctx.clock.now()
  const subject = `init ${realpathSync(script)}`
  for (;;) {
    const mutex = takeHostMutex(ctx, environment, subject)
    if (mutex) return mutex
    if (ctx.clock.since(start) >= limitMs) {
      throw new Failure(
        'conflict',
        `another start or stop by ${script} has not ended within ${formatDuration(limitMs)}`,
      )
    }
    await sleep(ctx, RETRY_MS)
  }
}
