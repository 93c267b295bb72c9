import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import type { TestFolder } from '../../../src/rollout/rollout-file.ts'
import { fileNamesIn, runTests, testsAmong } from '../../../src/rollout/validation.ts'
import { scratch } from '../../kit/unique.ts'

const warnings: string[] = []
const ctx: Context = {
  clock: systemClock,
  log: {
    debugging: false,
    mark() {},
    debug() {},
    notice() {},
    warn: (sentence) => warnings.push(sentence),
    error() {},
  },
  signal: new AbortController().signal,
  random: Math.random,
}

function directory(files: Record<string, string>): string {
  const dir = scratch()
  for (const [name, script] of Object.entries(files))
    writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return dir
}

const run = (dir: string, { timeoutMs = 20_000, ...how }: { timeoutMs?: number } & Partial<TestFolder> = {}) => {
  const tests = { dir, allow_none: false, ...how }
  return runTests(ctx, { tests, timeoutMs, environment: { PATH: process.env.PATH, DIR: dir } })
}

describe('a validation directory', () => {
  test('has the tests that run-parts would run, in its order', () => {
    const dir = directory({
      b: '',
      a: '',
      B: '',
      '10-x': '',
      '9-x': '',
      _z: '',
      plain: '',
      '.hidden': '',
      'web.sh': '',
      'x.dpkg-old': '',
    })
    chmodSync(join(dir, 'plain'), 0o644)
    mkdirSync(join(dir, 'folder'))
    symlinkSync(join(dir, 'a'), join(dir, 'link'))
    symlinkSync(join(dir, 'nowhere'), join(dir, 'broken-link'))
    expect(testsAmong(dir, fileNamesIn(dir) as string[])).toEqual({
      tests: ['10-x', '9-x', 'B', '_z', 'a', 'b', 'link'],
      skipped: [
        expect.objectContaining({ name: '.hidden' }),
        { name: 'plain', why: 'it is not executable' },
        expect.objectContaining({ name: 'web.sh', why: expect.stringContaining("a test's name has only letters") }),
        expect.objectContaining({ name: 'x.dpkg-old' }),
      ],
    })
    expect(testsAmong(dir, fileNamesIn(dir) as string[], '\\.sh$')).toEqual({ tests: ['web.sh'], skipped: [] })
    expect(testsAmong(dir, fileNamesIn(dir) as string[], '.').tests).toContain('x.dpkg-old')
  })

  test('passes when all of its tests pass, and tells how many', async () => {
    expect(await run(directory({ a: '', b: 'exit 0' }))).toEqual({ passed: true, tests: 2, skipped: [] })
  })

  test('stops at the first test that fails, with its last words', async () => {
    const dir = directory({ a: 'echo a >>"$DIR/ran"', b: 'echo one; echo two >&2; exit 4', c: 'echo c >>"$DIR/ran"' })
    expect(await run(dir)).toEqual({ passed: false, why: 'b failed with 4: two', output: 'one\ntwo\n' })
    expect(readFileSync(join(dir, 'ran'), 'utf8')).toBe('a\n')
  })

  test('fails with a test that hangs, is killed or can’t be started', async () => {
    expect(await run(directory({ hangs: 'sleep 60' }), { timeoutMs: 100 })).toMatchObject({
      why: 'hangs did not end within 100ms',
    })
    expect(await run(directory({ dies: 'kill -KILL $$' }))).toMatchObject({ why: 'dies failed with 137' })
    const dir = directory({})
    writeFileSync(join(dir, 'odd'), '#!/no/such/interpreter\n', { mode: 0o755 })
    expect(await run(dir)).toMatchObject({ passed: false, why: expect.stringContaining("can't be started") })
  })

  test('warns of a test whose name keeps it from being run', async () => {
    const dir = directory({ 'web.sh': 'exit 1' })
    expect(await run(dir)).toMatchObject({
      passed: false,
      why: expect.stringMatching(/^there is no test in \/.*; web\.sh was not run: a test's name has only/),
    })
    expect(warnings).toContainEqual(expect.stringMatching(/web\.sh was not run/))
    expect(await run(dir, { regex: '.' })).toMatchObject({ why: 'web.sh failed with 1' })
  })

  test('without a test fails, unless that is allowed; a script that lost its x bit is told', async () => {
    const dir = directory({ smoke: 'exit 1' })
    chmodSync(join(dir, 'smoke'), 0o644)
    expect(await run(dir)).toMatchObject({ why: expect.stringContaining('; smoke was not run: it is not executable') })
    expect(await run(dir, { allow_none: true })).toEqual({ passed: true, tests: 0, skipped: ['smoke'] })
    writeFileSync(join(dir, 'smoke'), 'notes on smoke')
    expect(await run(dir)).toEqual({ passed: false, why: `there is no test in ${dir}`, output: '' })
  })

  test('that isn’t there is no validation that passes', async () => {
    expect(await run('/nowhere/tests')).toMatchObject({ passed: false, why: expect.stringContaining("can't be read") })
  })
})
