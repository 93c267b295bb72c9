import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { LOCKER } from './locker.ts'
import { removeFolder } from './remove-folder.ts'

export const execute = promisify(execFile)

/** The manual as man takes it, a file for each page. */
export let files: string[]

export let dir = ''

afterAll(() => removeFolder(dir))

/** What a terminal shows of bold letters, each of which is written twice, one over the other. */
export function linesOf(text: string): string[] {
  const parts = text.split('\b')
  return parts
    .map((part, n) => (n < parts.length - 1 ? part.slice(0, -1) : part))
    .join('')
    .split('\n')
}

beforeAll(async () => {
  const { stdout } = await execute(LOCKER, ['help', '--roff', '--all'], { env: {}, maxBuffer: 10 ** 8 })
  dir = mkdtempSync(join(tmpdir(), 'consul-locker-test-'))
  files = stdout.split(/^(?=\.TH )/m).map((page) => {
    const [, title = ''] = /^\.TH "([^"]*)" "1" "\d{4}-\d\d-\d\d" "consul\\-locker \d/.exec(page) ?? []
    const file = join(dir, `${title.replaceAll('\\', '').toLowerCase()}.1`)
    writeFileSync(file, page)
    return file
  })
})
