import { readFileSync } from 'node:fs'
import { type WriteOptions, writeAtomically } from './atomic-write.ts'
import { destinationOf } from './destination.ts'

/**
 * Writes a file as `writeAtomically` does, unless it has this content already; so who watches it hears of changes only.
 * Returns whether it was written. Throws what the file system throws.
 */
export function renewFile(name: string, text: string, options: WriteOptions = {}): boolean {
  if (has(name, text)) return false
  writeAtomically(name, text, options)
  return true
}

function has(name: string, text: string): boolean {
  const destination = destinationOf(name)
  if (destination.kind === 'stream' || destination.before?.size !== Buffer.byteLength(text)) return false
  try {
    return readFileSync(destination.path, 'utf8') === text
  } catch {
    // What can't be read may still be replaced.
    return false
  }
}
