import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { LOCKER } from './locker.ts'

/** A running `consul-locker dev`. */
export interface DevServer {
  /** `http://host:port` */
  readonly address: string
  /** Ends it (TERM), and settles with its exit code. */
  stop(): Promise<number | null>
}

/** Starts `consul-locker dev` on a free port unless the words say otherwise. Rejects with what it said when it ends. */
export async function startDevServer(...words: string[]): Promise<DevServer> {
  const { PATH, HOME } = process.env
  const args = ['dev', ...(words.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']), ...words]
  const child = spawn(LOCKER, args, { env: { PATH, HOME }, stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface(child.stderr)) {
    lines.push(line)
    const address = /at (http:\S+?)[,:;]? /.exec(line)?.[1]
    if (address === undefined) continue
    child.stderr.resume()
    return {
      address,
      async stop() {
        child.kill('SIGTERM')
        const [code] = await exited
        return code
      },
    }
  }
  throw new Error(`consul-locker dev has ended: ${lines.join('\n')}`)
}
