// npm test, npm run test:slow: runs the projects that are named, and the files once more that failed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OUTSIDE, talliedIn } from './kit/tally.ts'

const VITEST = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs')
/** More than these fail by a fault, and not because a busy machine came between two processes. */
const FEW_FILES = 12

const projects = process.argv.slice(2)
const made = process.env.TALLY ? undefined : mkdtempSync(join(tmpdir(), 'consul-locker-tally-'))
const tally = process.env.TALLY ?? join(made as string, 'tally.json')

/** None, if something failed that belongs to no file. What failed in other projects before this run isn't its own. */
function failedFiles(): readonly string[] {
  const failed = talliedIn(tally).filter(({ failures }) => failures.length > 0)
  if (failed.some(({ file }) => file === OUTSIDE)) return []
  return failed.filter(({ project }) => projects.includes(project)).map(({ file }) => file)
}

function vitest(args: readonly string[]): number {
  const chosen = projects.flatMap((name) => ['--project', name])
  const { status } = spawnSync(process.execPath, [VITEST, 'run', ...chosen, ...args], {
    env: { ...process.env, TALLY: tally },
    stdio: 'inherit',
  })
  return status ?? 1
}

let status = vitest([])
const failed = failedFiles()
if (status !== 0 && failed.length > 0 && failed.length <= FEW_FILES) {
  console.error(`\ntried once more, with less beside them: ${failed.join(' ')}\n`)
  status = vitest(['--maxWorkers', '2', ...failed])
}
if (made) rmSync(made, { recursive: true })
process.exitCode = status
