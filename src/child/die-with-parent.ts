import { spawn } from 'node:child_process'
import type { Child } from './child.ts'
import { spawned } from './child-process.ts'
import { BESIDE } from './group-members.ts'

/**
 * It hears of the marker, and then of the command's end; if of that no more, somebody has killed us. Then it kills all
 * of our user's who carry the marker, until it has found nobody twice: who has just been forked has yet to become the
 * command.
 */
const SCRIPT = `
read -r marker && ! read -r ended || exit
misses=0
while [ $misses -lt 2 ]; do
  misses=$((misses + 1))
  for environ in $(echo "$marker" | grep -lzF -f - /proc/[0-9]*/environ); do
    pid=\${environ#/proc/}
    [ -O "$environ" ] && kill -s KILL "\${pid%/environ}" && misses=0
  done
  sleep 1
done`

/**
 * Launches a child that is killed when we are, however that comes about, by a shell that outlives us. The marker is an
 * environment entry that only the child's processes have. The shell has nothing of the environment but the PATH: with
 * the mark of a run it would be one of the processes that a guardian ends. Rejects as `launch` does.
 */
export async function dieWithParent<C extends Pick<Child, 'exited'>>(
  marker: string,
  { PATH }: NodeJS.ProcessEnv,
  launch: () => Promise<C>,
): Promise<C> {
  const stdio = ['pipe' as const, 'ignore' as const, 'ignore' as const]
  const env = { PATH, ...BESIDE }
  const shell = await spawned(() => spawn('/bin/sh', ['-c', SCRIPT], { stdio, detached: true, env }), 'sh')
  const tell = (line: string) => shell.stdin?.write(`${line}\n`)
  shell.stdin?.on('error', () => {}) // Somebody has killed it.
  tell(marker)
  try {
    const child = await launch()
    child.exited.then(() => tell('ended'))
    return child
  } catch (thrown) {
    tell('ended')
    throw thrown
  }
}
