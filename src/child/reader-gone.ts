import { type ChildProcess, spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { systemPath } from './pipe.ts'

/**
 * Settles when nobody reads the pipe any more that is our standard output; only by the signal, with its reason, when it
 * is no pipe. Node looks at a pipe that it writes to when it writes, and no sooner. GNU's tail polls it all the time,
 * since `tail -f log | head -1` must end; with another tail nobody hears of it before something is written.
 */
export async function readerGone({ signal }: Pick<Context, 'signal'>, environment: NodeJS.ProcessEnv): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const tail = fstatSync(1).isFIFO() ? tailOfNothing(environment) : undefined
  tail?.on('error', () => {}) // There is none.
  tail?.once('exit', (_, signal) => signal === 'SIGPIPE' && resolve())
  try {
    await unlessAborted(signal, promise)
  } finally {
    tail?.kill('SIGKILL')
  }
}

/** It ends with us, too, however that comes about: whoever reads waits for the end of all who may write. */
function tailOfNothing(environment: NodeJS.ProcessEnv): ChildProcess {
  const words = ['-f', '-s', '0.5', `--pid=${process.pid}`, '/dev/null']
  return spawn('tail', words, { stdio: ['ignore', 1, 'ignore'], env: systemPath(environment), cwd: '/' })
}
