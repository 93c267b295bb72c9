import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const VITEST = resolve('node_modules/vitest/vitest.mjs')
const RUN = resolve('test/run.ts')
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

  const second = run('second.test.ts', [`test('passes', () => {})`, `Promise.reject(new Error('nobody waits'))`])
  expect(second).toEqual({
    status: 1,
    lines: [...told, 'second.test.ts, unheard: nobody waits', '2 passed, 3 failed, 1 skipped'],
  })

  const third = run('third.test.ts', [`import './not-there.ts'`])
  expect(third.lines.at(-2)).toMatch(/^third[.]test[.]ts: Cannot find module/)
  expect(third.lines.at(-1)).toBe('2 passed, 4 failed, 1 skipped')
})

test('what fails is tried once more, and told as unsteady if it passes then', () => {
  const folder = mkdtempSync(join(tmpdir(), 'consul-locker-tally-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const write = (file: string, lines: string[]) => writeFileSync(join(folder, file), lines.join('\n'))
  write('vitest.config.js', [
    `const project = (name) => ({ test: { name, globals: true, include: [name + '*.js'] } })`,
    `export default { test: { reporters: ['${TALLY}'], projects: [project('busy'), project('broken')] } }`,
  ])
  write('busy.js', [
    `import { existsSync, writeFileSync } from 'node:fs'`,
    `afterAll(() => { if (!existsSync('tried')) { writeFileSync('tried', ''); throw new Error('not empty') } })`,
    `test('passes', () => {})`,
  ])
  write('busy-too.js', [
    `import { existsSync, writeFileSync } from 'node:fs'`,
    `test('passes', () => {})`,
    `if (!existsSync('rejected')) { writeFileSync('rejected', ''); Promise.reject(new Error('nobody waits')) }`,
  ])
  write('broken.js', [`test('fails', () => expect(1).toBe(2))`])
  const run = (...projects: string[]) => {
    const env = { ...process.env, TALLY: join(folder, 'tally.json') }
    const { status, stdout } = spawnSync(process.execPath, [RUN, ...projects], { cwd: folder, env, encoding: 'utf8' })
    return { status, lines: stdout.trimEnd().split('\n').slice(-4) }
  }

  const broken = 'broken.js › fails: expected 1 to be 2 // Object.is equality'
  expect(run('broken')).toEqual({ status: 1, lines: [broken, '0 passed, 1 failed', broken, '0 passed, 1 failed'] })
  const { status, lines } = run('busy')
  expect({ status, unsteady: lines.slice(0, 2).sort(), lines: lines.slice(2) }).toEqual({
    status: 0,
    unsteady: ['unsteady: busy-too.js, unheard: nobody waits', 'unsteady: busy.js: not empty'],
    lines: [broken, '2 passed, 1 failed'],
  })
})
