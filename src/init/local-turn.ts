import { statSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'

const RETRY_MS = 50

/**
 * Keeps two of us from starting and stopping the services of one init script at once: a watch that fires, and somebody
 * at the keyboard. An abstract socket: it needs no directory, and ends with its process. Rejects with a `declined`
 * failure when it isn't free within `limitMs`.
 */
export async function localTurn(ctx: Context, script: string, limitMs: number): Promise<Disposable> {
  const start = ctx.clock.now()
  const { dev, ino } = statSync(script)
  for (;;) {
    const server = await bind(`\0consul-locker-init-${dev}-${ino}`)
    if (server) return { [Symbol.dispose]: () => void server.close() }
    if (ctx.clock.since(start) >= limitMs) {
      throw new Failure(
        'declined',
        `another start or stop by ${script} has not ended within ${formatDuration(limitMs)}`,
      )
    }
    await sleep(ctx, RETRY_MS)
  }
}

function bind(name: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((connection) => connection.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(name, () => resolve(server))
  })
}
