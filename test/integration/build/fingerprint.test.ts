import { mkdtempDisposableSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fingerprint, isMadeOf, remember } from '../../../build/fingerprint.ts'

test('an executable is made anew unless it is the one that was made of the same', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'fingerprint-'))
  const executable = join(folder.path, 'executable')
  const [digest, other] = [fingerprint(['ab', 'c']), fingerprint(['a', 'bc'])]
  expect(other).not.toBe(digest)
  expect(isMadeOf(executable, digest)).toBe(false)
  writeFileSync(executable, 'built')
  expect(isMadeOf(executable, digest)).toBe(false)
  remember(executable, digest)
  expect(isMadeOf(executable, digest)).toBe(true)
  expect(isMadeOf(executable, other)).toBe(false)
  writeFileSync(`${executable}.new`, 'built')
  renameSync(`${executable}.new`, executable)
  expect(isMadeOf(executable, digest)).toBe(false)
})
