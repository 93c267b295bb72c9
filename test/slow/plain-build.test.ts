import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { lockerEnvironment } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const ROOT = join(import.meta.dirname, '../..')
const PLAIN = join(ROOT, 'dist/consul-locker-plain')

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, 'build.mjs'), '--plain'], { stdio: ['ignore', 'inherit', 'inherit'] })
})

function run(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(PLAIN, words, { env: lockerEnvironment({}), encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('an executable without snapshot and translated parser runs a command under a lock', () => {
  const name = uniqueName('plain')
  const ended = run(name, 'sh', '-c', 'echo "$CONSUL_LOCKER_NAME"; exit 7')
  expect(ended).toEqual({ status: 7, stdout: `${name}\n`, stderr: '' })
})

test('it loads what only some commands need, and explains itself', () => {
  expect(run('--version').stdout).toMatch(/^consul-locker \d/)
  expect(run('--help').stdout).toContain('--no-wait')
  expect(run('wait', '--once', 'file:/nope').status).toBe(1)
  expect(run('--no-such-option', 'a', 'true').status).toBe(2)
})
