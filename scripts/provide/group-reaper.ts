import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'

/** A shell that outlives us, however we end, and then ends the process groups that we left behind. */
export interface GroupReaper {
  /** From now on the group of this process, its leader, is one to end. */
  guard(leader: number): void
  /** It has ended by itself. */
  release(leader: number): void
  /** Lets the reaper do its last work, now; resolves when that is done. */
  dismiss(): Promise<void>
}

// The end of its standard input is the end of us: the kernel closes the pipe even after a kill -9.
// A zombie waits for its new parent, not for us.
const script = `
groups=' '
while read -r order group; do
  case $order in
    guard) groups="$groups$group " ;;
    release) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
  esac
done
send() { for group in $groups; do kill -s "$1" -- "-$group"; done; }
alive() {
  for group in $groups; do kill -s 0 "$group" && ! grep -q '^State:.Z' "/proc/$group/status" && return; done
  return 1
}
send TERM
send CONT
tenths=0
while alive && [ "$tenths" -lt 50 ]; do
  sleep 0.1
  tenths=$((tenths + 1))
done
send KILL
[ -z "$1" ] || rm -rf -- "$1"
`

/**
 * Starts a reaper. When this process ends, or at `dismiss()`, it stops the guarded groups (TERM, and KILL when their
 * leaders have ended or after 5 s) and removes the directory `temporary` if there is one. It does not keep this process
 * alive.
 */
export function startGroupReaper(temporary = ''): GroupReaper {
  const shell = spawn('/bin/sh', ['-c', script, 'group-reaper', temporary], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(shell, 'exit').then(() => {})
  ended.catch(() => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  ;(shell.stdin as Socket).unref()
  const guarded = new Set<number>()
  return {
    guard: (leader) => {
      guarded.add(leader)
      shell.stdin.write(`guard ${leader}\n`)
    },
    release: (leader) => {
      if (guarded.delete(leader)) shell.stdin.write(`release ${leader}\n`)
    },
    dismiss: () => {
      shell.ref()
      shell.stdin.end()
      return ended
    },
  }
}
