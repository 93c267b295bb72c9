import { readFileSync } from 'node:fs'

/**
 * Another one after every start of the machine; https://docs.kernel.org/admin-guide/sysctl/kernel.html#random. Where
 * /proc has nothing but processes it is always the same.
 */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
