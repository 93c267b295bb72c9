import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Architecture } from '../../../scripts/release/about.ts'
import { makeContents } from '../../../scripts/release/made.ts'
import type { Package } from '../../../scripts/release/package.ts'
import { thisEdition } from '../../../scripts/release/release-edition.ts'
import { removeFolder } from '../../kit/remove-folder.ts'

/** This machine's architecture. */
export const ARCH = process.arch as Architecture

/**
 * What is needed to make packages that aren't compressed, for which nobody has the time; gone after the file's tests.
 */
export async function contents(arch = ARCH): Promise<Package> {
  const work = mkdtempSync(join(tmpdir(), 'consul-locker-packages-'))
  afterAll(() => removeFolder(work))
  const edition = await thisEdition()
  await makeContents(edition, arch, work)
  const into = join(work, 'into')
  mkdirSync(into)
  return { edition, arch, work, into, compression: 'none' }
}
