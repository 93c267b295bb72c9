import { startFailure } from './child-process.ts'
import { withCores } from './core-dump.ts'
import type { Executable } from './executable.ts'
import { closeOnExecFds } from './inherited-fds.ts'
import { survivesHangUp } from './signals.ts'

/**
 * Whether a command could take our place as it would be without us. It couldn't if it is to have descriptors that libuv
 * has marked as ours alone, which only a child gets, or is to ignore HUP, which Node no longer does. Tests have others.
 */
export function mayExec(environment: NodeJS.ProcessEnv, oursAlone = closeOnExecFds()): boolean {
  return oursAlone.length === 0 && !survivesHangUp(environment)
}

/**
 * Makes this process the command, with its id, group, terminal and standard streams. Throws a `Failure` if it can't.
 */
export function exec({ file, words }: Executable, environment: NodeJS.ProcessEnv): never {
  // Node ignores these, and what is ignored stays so; what is caught is reset to its default.
  // https://pubs.opengroup.org/onlinepubs/9799919799/functions/exec.html
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {})
  try {
    replace(file, words, environment)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOEXEC') throw startFailure(words[0], thrown)
  }
  // A script without a first line that names its interpreter: as execvp does.
  replace('/bin/sh', ['/bin/sh', file, ...words.slice(1)], environment)
}

function replace(file: string, words: readonly string[], environment: NodeJS.ProcessEnv): never {
  const { execve } = process
  if (!execve) throw new Error('this system has no execve')
  return withCores(() => execve(file, words, environment))
}
