import { createHash } from 'node:crypto'
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Context } from '../base/context.ts'
import { complaintOf } from '../base/failure.ts'
import { openStateFolder, stateFolders } from './state-folder.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
const SQLITE_BUSY = 5

/**
 * Takes what only one process of this user may have on this machine, until it is disposed; `undefined` while another
 * one has it. It ends with our process, however that ends, and children don't inherit it.
 *
 * It is the kernel's lock on a file that no other user can open. It is taken in all of our folders, so that those who
 * see only some of them (cron, a unit whose /run is read-only) are kept apart all the same. On a machine without any
 * such folder nobody is kept apart, with a warning: what is to be done (to fence a service) matters more.
 */
export function takeHostMutex(ctx: Context, environment: NodeJS.ProcessEnv, subject: string): Disposable | undefined {
  const name = `${createHash('sha256').update(subject).digest('hex').slice(0, 32)}.lock`
  const taken = new DisposableStack()
  const complaints: string[] = []
  for (const folder of stateFolders(environment)) {
    try {
      openStateFolder(folder)
      const lock = lockFile(join(folder, name))
      if (!lock) {
        taken.dispose()
        return undefined
      }
      taken.defer(() => lock.close())
    } catch (thrown) {
      complaints.push(complaintOf(thrown))
    }
  }
  if (complaints.length === stateFolders(environment).length) {
    ctx.log.warn(`nothing keeps another of us on this machine from doing the same at once: ${complaints.join('; ')}`)
  }
  return taken
}

/**
 * Node can't lock a file, but SQLite can: an empty database that nothing is written to. The file stays, for to take it
 * away is to take it from under somebody's lock.
 */
function lockFile(file: string): DatabaseSync | undefined {
  create(file)
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  const database = new DatabaseSync(file)
  try {
    // In memory: a process that is killed would leave the journal's file behind.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (thrown) {
    database.close()
    if ((thrown as { readonly errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw thrown
  }
}

/** One that is there isn't opened: to close it again would end all locks that this process has on it. */
function create(file: string): void {
  try {
    closeSync(openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600))
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
}
