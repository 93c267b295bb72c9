import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaintOf } from '../../base/failure.ts'
import type { Log } from '../../base/log.ts'
import { writeAtomically } from '../../host/atomic-write.ts'
import { openStateFolder, stateFolders } from '../../host/state-folder.ts'
import type { ReinitMemory } from './reinit-desk.ts'

/** Keeps the id in a state folder of this machine, in a file of the application's name. */
export function reinitMemory(log: Log, environment: NodeJS.ProcessEnv, name: string): ReinitMemory {
  const path = stateFolders(environment)
    .filter((folder) => isUsable(folder))
    .map((folder) => join(folder, `reinit-${name}`))[0]
  return {
    read: () => {
      try {
        return path === undefined ? undefined : readFileSync(path, 'utf8').trim()
      } catch {
        return undefined
      }
    },
    write: (id) => {
      try {
        if (path !== undefined) writeAtomically(path, `${id}\n`)
      } catch (thrown) {
        log.warn(`an agent that is killed now would do the reinit again: ${complaintOf(thrown)}`)
      }
    },
  }
}

function isUsable(folder: string): boolean {
  try {
    openStateFolder(folder)
    return true
  } catch {
    return false
  }
}
