import { rmSync } from 'node:fs'

/**
 * Removes a folder of processes that were killed: until the kernel has ended the last one, it may still write there.
 */
export function removeFolder(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}
