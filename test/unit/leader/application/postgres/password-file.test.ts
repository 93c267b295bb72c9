import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { passwordIn } from '../../../../../src/leader/application/postgres/password-file.ts'

const who = { host: '10.0.0.1', port: 5432, database: 'postgres', user: 'postgres' }

function passfile(text: string, mode = 0o600): string {
  const folder = mkdtempSync(join(tmpdir(), 'passfile-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, '.pgpass')
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

test.each([
  ['10.0.0.1:5432:postgres:postgres:secret', 'secret'],
  ['# 10.0.0.1:*:*:*:no\n\n10.0.0.2:*:*:*:other\n*:*:*:postgres:first\n*:*:*:*:second\n', 'first'],
  [String.raw`*:*:*:postgres:with\:colon\\and backslash`, String.raw`with:colon\and backslash`],
  ['*:*:*:postgres:with:colon', 'with:colon'],
  ['*:*:*:postgres:', ''],
])('%j has the password %j', (text, password) => {
  expect(passwordIn(passfile(text), who)).toBe(password)
})

test('for a socket its folder may be called localhost', () => {
  const socket = { ...who, host: '/var/run/postgresql' }
  expect(passwordIn(passfile('localhost:*:*:*:local\n'), socket)).toBe('local')
  expect(passwordIn(passfile('/var/run/postgresql:*:*:*:socket\n'), socket)).toBe('socket')
})

test('one that has none, or is not there, or is open to others, says which, and no password', () => {
  expect(() => passwordIn(passfile('10.0.0.2:*:*:*:secret'), who)).toThrow(
    /has no password of postgres at 10.0.0.1:5432/,
  )
  expect(() => passwordIn(passfile('*:*:secret'), who)).toThrow(/has no password/)
  expect(() => passwordIn('/nowhere/.pgpass', who)).toThrow(
    "a password is asked for, and /nowhere/.pgpass can't be used: no such file or directory",
  )
  expect(() => passwordIn(undefined, who)).toThrow(
    'a password is asked for, and there is no home folder with a .pgpass',
  )
  expect(() => passwordIn(passfile('*:*:*:*:secret', 0o640), who)).toThrow(/others may read it \(chmod 600\)/)
})
