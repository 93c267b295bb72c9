import { execFileSync } from 'node:child_process'

/** The commit that is built, with a `+` when files differ from it. */
export function commit(root: string): string {
  try {
    const run = (...args: string[]) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const dirty = run('status', '--porcelain', '--untracked-files=no') !== ''
    return run('rev-parse', '--short=12', 'HEAD').trim() + (dirty ? '+' : '')
  } catch {
    return 'unknown' // Not a checkout, or no git.
  }
}
