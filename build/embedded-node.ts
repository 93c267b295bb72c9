import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { bringAtomics } from './atomics.ts'
import SUMS from './node-sums.json' with { type: 'json' }
import { takeOut, UNREAD } from './node-variables.ts'
import { HERE, type Target } from './target.ts'

const run = promisify(execFile)

/** Makes the copy of the target's Node which is fit to be embedded. Settles with its path. */
export async function embeddedNode(copy: string, target: Target): Promise<string> {
  refuseUnknown(readFileSync(target.node), process.version, `${process.platform}-${target.arch}`)
  await copyStripped(copy, target)
  const program = readFileSync(copy)
  takeOut(program, UNREAD)
  bringAtomics(program, target.arch)
  writeFileSync(copy, program)
  return copy
}

/**
 * Throws for a program that isn't, byte for byte, the Node of this version that the project was tried with. Who packed
 * it for npm is not who made it: see docs/internals.md, for what the sums prove.
 */
export function refuseUnknown(
  program: Uint8Array,
  version = process.version,
  platform = `${process.platform}-${process.arch}`,
): void {
  const sums: Record<string, Record<string, string>> = SUMS
  const sum = createHash('sha256').update(program).digest('hex')
  const wanted = sums[version]?.[platform]
  if (sum !== wanted) {
    const instead = wanted === undefined ? 'none is known' : `not ${wanted}`
    throw new Error(`Node ${version} for ${platform} has the SHA-256 ${sum}, ${instead}: see build/node-sums.json`)
  }
}

/** Copies Node without its symbols, a quarter smaller. Later is too late: `strip` drops what was injected. */
export async function copyStripped(copy: string, { node, strip: [strip, ...words] }: Target = HERE): Promise<void> {
  try {
    await run(strip, [...words, '-o', copy, node])
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
    console.error('no strip on this machine (it is in binutils): the executable is larger than it need be')
    copyFileSync(node, copy)
  }
}
