import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const VITEST = resolve('node_modules/vitest/vitest.mjs')
const TALLY = resolve('test/kit/tally.ts')

test('a run ends with what failed in it and in the runs before, a line each, and then the counts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'consul-locker-tally-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const run = (file: string, lines: string[]) => {
    writeFileSync(join(folder, file), lines.join('\n'))
    const argv = [VITEST, 'run', '--globals', '--root', folder, '--reporter', TALLY, file]
    const env = { ...process.env, TALLY: join(folder, 'tally.json') }
    const { status, stdout } = spawnSync(process.execPath, argv, { env, encoding: 'utf8' })
    return { status, lines: stdout.trimEnd().split('\n') }
  }

  const first = run('first.test.ts', [
    `describe('a lock', () => test('is free', () => expect('held').toBe('free')))`,
    `describe('a queue', () => { beforeAll(() => { throw new Error('no Consul\\nanywhere') }); test('moves', () => {}) })`,
    `test('passes', () => {})`,
  ])
  const told = [
    'first.test.ts › a queue: no Consul',
    `first.test.ts › a lock › is free: expected 'held' to be 'free' // Object.is equality`,
  ]
  expect(first).toEqual({ status: 1, lines: [...told, '1 passed, 2 failed, 1 skipped'] })

  const second = run('second.test.ts', [`test('passes', () => {})`, `Promise.reject(new Error('unheard'))`])
  expect(second).toEqual({
    status: 1,
    lines: [...told, 'outside of any test: unheard', '2 passed, 3 failed, 1 skipped'],
  })

  const unsteady = run('unsteady.test.ts', [
    `let tries = 0`,
    `test('comes in the end', { retry: 1 }, () => expect(++tries).toBe(2))`,
  ])
  expect(unsteady.lines[0]).toBe(
    'unsteady: unsteady.test.ts › comes in the end: expected 1 to be 2 // Object.is equality',
  )
  expect(unsteady).toMatchObject({ status: 0 })
  expect(unsteady.lines.at(-1)).toBe('3 passed, 3 failed, 1 skipped')

  const third = run('third.test.ts', [`import './not-there.ts'`])
  expect(third.lines.at(-2)).toMatch(/^third[.]test[.]ts: Cannot find module/)
  expect(third.lines.at(-1)).toBe('3 passed, 4 failed, 1 skipped')
})
