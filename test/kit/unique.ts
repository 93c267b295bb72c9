import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterTest } from './after-test.ts'
import { removeFolder } from './remove-folder.ts'

/** A lock's name that no other test and no other run uses. */
export function uniqueName(topic: string): string {
  return `${topic}-${randomBytes(5).toString('hex')}`
}

/** A directory that is removed when the test has ended. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'consul-locker-test-'))
  afterTest(() => removeFolder(dir))
  return dir
}
