import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { awaitEnd } from '../provide/await-end.ts'

/** A lock runner that we started, and what it wrote line by line. */
export interface DemoRunner {
  readonly name: string
  /** The exit status once it has ended; 128 and more when it was killed. */
  readonly ended: Promise<number>
  /** Asks it to end (TERM); kills it when it has not after 8 s. Resolves when it has ended. */
  stop(): Promise<void>
}

const termLimitMs = 8_000

/**
 * Starts a runner named `name`. It gets a process group of its own: a terminal's Ctrl-C reaches us alone, and we
 * pass it on once, as TERM.
 */
export function startDemoRunner(
  name: string,
  command: readonly [string, ...string[]],
  place: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
  onLine: (line: string) => void,
): DemoRunner {
  const [file, ...args] = command
  const child = spawn(file, args, { detached: true, ...place, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine)
  const ended = once(child, 'close').then(
    ([code]) => code ?? 128,
    (error: Error) => {
      onLine(error.message)
      return 127
    },
  )
  const stop = () => {
    child.kill('SIGTERM')
    return awaitEnd(ended, () => child.kill('SIGKILL'), termLimitMs)
  }
  return { name, ended, stop }
}
