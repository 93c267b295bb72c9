import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { BESIDE } from '../../child/group-members.ts'
import { systemPath } from '../../child/pipe.ts'
import { type Descriptors, OWN } from './output-path.ts'

/** Descriptors as the fallback reader has them; the spool comes last, if there is one. */
const LIFELINE = 3
export const FIRST_PIPE = 4

/**
 * A shell that has the read ends of the pipes, too: should we be killed, the command doesn't die of SIGPIPE, and the
 * shell becomes what carries on. It is told `shut FD` when nobody reads that stream any more, and `left FD…` when we
 * leave, with the pipes that a daemon may still write to. If it hears nothing more, we are dead.
 */
const SCRIPT = `
while read -r word fds <&${LIFELINE}; do
  case $word in
    shut) eval "exec $fds<&-" ;;
    left)
      exec >/dev/null 2>&1 ${LIFELINE}<&-
      for fd in $fds; do eval "cat <&$fd &"; done
      exit ;;
  esac
done
exec ${LIFELINE}<&- "$@"
`

/** Who reads the command's output when we no longer do. */
export class FallbackReader {
  readonly #shell: ChildProcess
  readonly #lifeline: Socket

  /** `command` is what carries on, with its environment; the descriptors become the shell's, as do both streams. */
  constructor(
    fds: readonly number[],
    command: { readonly words: readonly string[]; readonly environment: NodeJS.ProcessEnv },
    { stdout, stderr }: Descriptors = OWN,
  ) {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'consul-locker-output', ...command.words], {
      stdio: ['ignore', stdout, stderr, 'pipe', ...fds],
      env: { ...command.environment, ...systemPath(command.environment), ...BESIDE },
      cwd: '/',
      detached: true,
    })
    this.#shell.on('error', () => {})
    this.#shell.unref()
    this.#lifeline = this.#shell.stdio[LIFELINE] as Socket
    this.#lifeline.on('error', () => {})
    this.#lifeline.unref()
  }

  /** Nobody reads this stream any more: who writes to it is to learn of that. */
  shut(pipe: number): void {
    this.#lifeline.write(`shut ${FIRST_PIPE + pipe}\n`)
  }

  /** We leave; what is still written to these pipes is dropped. */
  leave(pipes: readonly number[]): void {
    this.#lifeline.write(`left ${pipes.map((pipe) => FIRST_PIPE + pipe).join(' ')}\n`)
  }
}
