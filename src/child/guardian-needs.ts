import { existsSync } from 'node:fs'
import { Failure } from '../base/failure.ts'
import { GUARDIAN_PATH, GUARDIAN_PROGRAMS } from './guardian-script.ts'

const FILES = ['/bin/sh', '/dev/null', '/proc/self/stat']

/**
 * Looks for what a guardian needs, before there is anything to guard. Throws a `usage` failure when it is missing: a
 * guardian that can't see whether a command still runs could neither end it nor give its lock back.
 */
export function checkSurroundings(path = ''): void {
  const folders = `${GUARDIAN_PATH}:${path}`.split(':')
  const isThere = (program: string) => folders.some((folder) => existsSync(`${folder || '.'}/${program}`))
  const missing = FILES.find((file) => !existsSync(file)) ?? GUARDIAN_PROGRAMS.find((program) => !isThere(program))
  if (missing === undefined) return
  throw new Failure('usage', `the guardian needs ${missing}, which is not there`, {
    hint: 'make it available; a run can do without a guardian by --no-guardian',
  })
}
