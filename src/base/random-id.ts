import { readFileSync } from 'node:fs'

/**
 * A random UUID, from the kernel. Node's own would be part of the start-up snapshot, a large one, along with random
 * bytes that it keeps in store: the same in every process.
 */
export function randomId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trimEnd()
  } catch {
    return process.getBuiltinModule('node:crypto').randomUUID({ disableEntropyCache: true })
  }
}
