import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Which kinds of memory get into a core file; core(5). A process inherits it, and Node can't set the limit of cores.
 */
const FILTER = '/proc/self/coredump_filter'
const NOTHING = '0'

let inherited: string | undefined

/** Keeps our memory out of core files: such a file has arguments left, and what stood in the registers. */
export function keepOutOfCores(): void {
  try {
    inherited = `0x${readFileSync(FILTER, 'latin1')}`
    writeFileSync(FILTER, NOTHING)
  } catch {
    // A kernel without cores, or no /proc.
    inherited = undefined
  }
}

/** Starts what shall have cores as if we had not been there. */
export function withCores<T>(start: () => T): T {
  if (inherited === undefined) return start()
  writeFileSync(FILTER, inherited)
  try {
    return start()
  } finally {
    writeFileSync(FILTER, NOTHING)
  }
}
