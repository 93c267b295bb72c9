import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { renewFile } from '../../../src/host/renew-file.ts'

test.each([
  ['is made', undefined, 'a\n', true],
  ['stays the same file with the same content', 'a\n', 'a\n', false],
  ['is another file with another content of the same length', 'b\n', 'a\n', true],
  ['is another file with a longer content', 'a\n', 'aä\n', true],
])('a file %s', (_, before, text, isNew) => {
  const dir = mkdtempSync(join(tmpdir(), 'consul-locker-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'hosts')
  if (before !== undefined) writeFileSync(file, before)
  const inode = before === undefined ? undefined : statSync(file).ino
  expect(renewFile(file, text)).toBe(isNew)
  expect(readFileSync(file, 'utf8')).toBe(text)
  if (inode !== undefined) expect(statSync(file).ino !== inode).toBe(isNew)
})
