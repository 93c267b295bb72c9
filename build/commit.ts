import { execFileSync } from 'node:child_process'

/** The commit that is built, with a `+` when files differ from it. */
export function commit(root: string): string {
  try {
    const dirty = git(root, 'status', '--porcelain', '--untracked-files=no') !== ''
    return git(root, 'rev-parse', '--short=12', 'HEAD').trim() + (dirty ? '+' : '')
  } catch {
    return 'unknown' // Not a checkout, or no git.
  }
}

/** When it was made, as 2026-11-29 in UTC; empty when nobody knows. */
export function commitDay(root: string): string {
  try {
    return new Date(git(root, 'log', '-1', '--format=%cI').trim()).toISOString().slice(0, 10)
  } catch {
    return ''
  }
}

function git(root: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}
