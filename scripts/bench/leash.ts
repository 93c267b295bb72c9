import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'

/** A shell that outlives us, however we end, and then ends all process groups that are on it. */
export interface Leash {
  add(group: number): void
  drop(group: number): void
  /** Ends them now: TERM, and KILL after 5 s. Resolves when they have got it. */
  dismiss(): Promise<void>
}

// The end of its standard input is the end of us: the kernel closes the pipe even after a kill -9.
const script = `
groups=' '
while read -r order group; do
  case $order in
    add) groups="$groups$group " ;;
    drop) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
  esac
done
send() { for group in $groups; do kill -s "$1" -- "-$group"; done; }
alive() { for group in $groups; do kill -s 0 -- "-$group" && return; done; return 1; }
send TERM
send CONT
tenths=0
while alive && [ "$tenths" -lt 50 ]; do
  sleep 0.1
  tenths=$((tenths + 1))
done
send KILL
`

export function startLeash(): Leash {
  const shell = spawn('/bin/sh', ['-c', script, 'leash'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(shell, 'exit').then(() => {})
  ended.catch(() => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  ;(shell.stdin as Socket).unref()
  return {
    add: (group) => void shell.stdin.write(`add ${group}\n`),
    drop: (group) => void shell.stdin.write(`drop ${group}\n`),
    dismiss: () => {
      shell.ref()
      shell.stdin.end()
      return ended
    },
  }
}
