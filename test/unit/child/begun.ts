import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { kill } from '../../kit/processes.ts'

/** A shell in a group and session of its own that has said that it has begun; both end with the test. */
export async function begun(script: string, environment: NodeJS.ProcessEnv = {}) {
  const child = started(['/bin/sh', '-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  })
  const group = child.pid as number
  const ended = once(child, 'exit')
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) kill(-group)
  })
  if (child.stdout) await once(child.stdout, 'data')
  return { child, group, ended }
}

/** A process that ends with the test. */
export function started([file, ...words]: readonly [string, ...string[]], options: SpawnOptions): ChildProcess {
  const child = spawn(file, words, options)
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
