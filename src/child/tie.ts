import { spawn } from 'node:child_process'
import type { Child } from './child.ts'
import { started } from './process.ts'

/** It hears of the group, and then of its end; if it hears of us no more, somebody has killed us. */
const SCRIPT = 'read -r group && { read -r ended || kill -s KILL -- "-$group"; }'

/** Launches a child whose group is killed even if we are, by a shell that outlives us. Rejects as `launch` does. */
export async function tied(launch: () => Promise<Child>): Promise<Child> {
  const shell = await started(
    spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true }),
    'sh',
  )
  shell.stdin.on('error', () => {}) // It was killed; so is nobody's tie.
  try {
    const child = await launch()
    shell.stdin.write(`${child.group}\n`)
    child.exited.then(() => shell.stdin.end('ended\n'))
    return child
  } catch (thrown) {
    shell.stdin.end()
    throw thrown
  }
}
