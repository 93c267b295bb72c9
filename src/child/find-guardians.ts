import { readdirSync, readFileSync } from 'node:fs'
import { GUARDIAN_NAME } from './guardian-arguments.ts'

/**
 * The guardians, whole or what is left of them, and the commands into which they have turned by now (`internalCommand`
 * is among their words), whose environment says under this name what we look for. Those of other users aren't seen.
 */
export function findGuardians(
  internalCommand: string,
  variable: string,
  isWanted: (value: string) => boolean,
): number[] {
  return processIds().filter((pid) => {
    const words = entriesOf(`/proc/${pid}/cmdline`)
    if (!words.includes(GUARDIAN_NAME) && !words.includes(internalCommand)) return false
    const entry = entriesOf(`/proc/${pid}/environ`).find((entry) => entry.startsWith(`${variable}=`))
    return entry !== undefined && isWanted(entry.slice(variable.length + 1))
  })
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

/** None for a process that ended while we looked, or that isn't ours to look into. */
function entriesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0')
  } catch {
    return []
  }
}
