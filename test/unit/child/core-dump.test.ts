import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import * as shared from '../../../src/child/core-dump.ts'

const FILTER = '/proc/self/coredump_filter'
const MODULE = '../../../src/child/core-dump.ts?its-own'

const filter = () => Number.parseInt(readFileSync(FILTER, 'latin1'), 16)

/** The module with a state of its own: for all others nothing must have been noted. */
async function its(): Promise<typeof import('../../../src/child/core-dump.ts')> {
  const inherited = filter()
  onTestFinished(() => writeFileSync(FILTER, `0x${inherited.toString(16)}`))
  return await import(MODULE)
}

test('what we start has the cores that we have as long as we keep nothing out of them', () => {
  const inherited = filter()
  expect(shared.withCores(filter)).toBe(inherited)
  expect(filter()).toBe(inherited)
})

test('our memory stays out of core files, and what we start has them as before', async () => {
  const { keepOutOfCores, withCores } = await its()
  writeFileSync(FILTER, '0x23')
  expect(withCores(filter)).toBe(0x23)
  expect(filter()).toBe(0x23)
  keepOutOfCores()
  expect(filter()).toBe(0)
  const childs = () => Number.parseInt(execFileSync('cat', [FILTER], { encoding: 'utf8' }), 16)
  expect(withCores(childs)).toBe(0x23)
  expect(filter()).toBe(0)
  const fails = () => {
    throw new Error('no')
  }
  expect(() => withCores(fails)).toThrow('no')
  expect(filter()).toBe(0)
})
