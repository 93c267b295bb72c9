import { accessSync, constants, existsSync } from 'node:fs'
import { basename } from 'node:path'
import { Failure, reasonOf } from '../base/failure.ts'
import { OWN_EXECUTABLE } from './executable.ts'
import { GUARDIAN_PATH, GUARDIAN_PROGRAMS } from './guardian-arguments.ts'

/** Files that must be there, and how they come there. */
const FILES = [
  ['/bin/sh', 'install a shell: dash or busybox'],
  ['/dev/null', 'make it: mknod -m 666 /dev/null c 1 3'],
  ['/proc/self/stat', 'mount it: mount -t proc proc /proc'],
] as const

/**
 * Looks for what a guardian needs, before there is anything to guard. Throws a `usage` failure when it is missing: a
 * guardian that can't see whether a command still runs could neither end it nor give its lock back. `wayOut` says how
 * to do without one, where that is possible. Tests have other files.
 */
export function checkGuardianPrerequisites(
  path = '',
  wayOut?: string,
  exists = existsSync,
  executable = OWN_EXECUTABLE,
): void {
  const folders = `${GUARDIAN_PATH}:${path}`.split(':')
  const isThere = (program: string) => folders.some((folder) => exists(`${folder || '.'}/${program}`))
  const file = FILES.find(([file]) => !exists(file))
  const program = GUARDIAN_PROGRAMS.find((program) => !isThere(program))
  const [missing, cure] = file ?? [program, 'install it, or a busybox of that name']
  if (missing !== undefined) {
    throw new Failure('usage', `the guardian needs ${missing}, which is not there`, { hint: withWayOut(cure, wayOut) })
  }
  checkOwnExecutable(executable, wayOut)
}

/** It is we whom the guardian starts to give the lock back. */
function checkOwnExecutable(executable: string, wayOut: string | undefined): void {
  const why = whyNotExecutable(executable)
  if (why === undefined) return
  throw new Failure('usage', `the guardian could not start ${process.execPath}: ${why}`, {
    hint: withWayOut('put the executable where programs may run, and start it by its own name', wayOut),
  })
}

function whyNotExecutable(executable: string): string | undefined {
  // Who runs us by the loader is that, as the kernel sees it.
  if (/^ld[-.]/.test(basename(process.execPath))) return 'it is a loader'
  try {
    accessSync(executable, constants.X_OK)
    return undefined
  } catch (thrown) {
    return reasonOf(thrown)
  }
}

/** What helps, and what else does. */
export function withWayOut(cure: string, wayOut: string | undefined): string {
  return wayOut === undefined ? cure : `${cure}; or ${wayOut}`
}
