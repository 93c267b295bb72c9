import { readFileSync } from 'node:fs'
import { Failure } from '../../base/failure.ts'

const REPLACEMENT = '\ufffd'

/**
 * Node reads arguments as UTF-8 and replaces what is none, so a file name in another encoding would reach the command
 * changed. Throws a `usage` failure for such words; a replacement character that the user typed is fine.
 */
export function checkEncoding(words: readonly string[]): void {
  const suspect = words.find((word) => word.includes(REPLACEMENT))
  if (suspect === undefined || ourArguments().includes(suspect)) return
  throw new Failure('usage', `the argument ${JSON.stringify(suspect)} is not UTF-8, and would not arrive as it is`, {
    hint: 'put it into a script, and run that',
  })
}

/** Empty where there is no /proc. Every argument that is not UTF-8 is left out. */
function ourArguments(): string[] {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    return splitAtNul(readFileSync('/proc/self/cmdline')).flatMap((bytes) => {
      try {
        return [decoder.decode(bytes)]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let from = 0, to = bytes.indexOf(0); to !== -1; from = to + 1, to = bytes.indexOf(0, from)) {
    parts.push(bytes.subarray(from, to))
  }
  return parts
}
