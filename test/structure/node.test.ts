import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bringAtomics } from '../../build/atomics.ts'
import { refuseUnknown } from '../../build/embedded-node.ts'
import { FLAGS } from '../../build/make-executable.ts'
import SUMS from '../../build/node-sums.json' with { type: 'json' }
import { found, PROVEN_WITH, refuseUnproven } from '../../build/proven.ts'

const PACKAGE = join(import.meta.dirname, '../../package.json')

test('the Node and the undici that are pinned are those that the build was tried with', () => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(PACKAGE, 'utf8'))
  expect(new Set(Object.values(optionalDependencies))).toEqual(new Set([PROVEN_WITH.Node.slice(1)]))
  expect(dependencies.undici).toBe(PROVEN_WITH.undici)
  expect(found()).toEqual(PROVEN_WITH)
})

test.for([
  { versions: { ...PROVEN_WITH, Node: 'v26.0.99' }, says: `tried with Node ${PROVEN_WITH.Node}, not with v26.0.99` },
  { versions: { ...PROVEN_WITH, undici: '8.0.99' }, says: `tried with undici ${PROVEN_WITH.undici}, not with 8.0.99` },
])('the build refuses $versions, even when only the patch level differs', ({ versions, says }) => {
  expect(() => refuseUnproven(versions)).toThrow(says)
  expect(() => refuseUnproven()).not.toThrow()
})

test('the Node that is embedded is the one whose sum is in the repository, byte for byte', () => {
  const program = readFileSync(process.execPath)
  refuseUnknown(program)
  program.writeUInt8(program.readUInt8(program.length - 1) ^ 1, program.length - 1)
  expect(() => refuseUnknown(program)).toThrow(/has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}/)
  expect(() => refuseUnknown(program, 'v26.0.99')).toThrow(/Node v26[.]0[.]99 for linux-.* none is known/)
})

test('the repository has the sums of the pinned Node for every platform that it is pinned for', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(PACKAGE, 'utf8'))
  const platforms = Object.keys(optionalDependencies).map((name) => name.replace('node-', ''))
  expect(Object.keys(SUMS[PROVEN_WITH.Node]).sort()).toEqual(platforms.sort())
})

test('the Node that is embedded needs one function of libatomic’s, and then none', () => {
  const program = readFileSync(process.execPath)
  bringAtomics(program)
  expect(() => bringAtomics(program)).toThrow('this Node needs [] of libatomic.so.1, not __atomic_compare_exchange')
})

test('a flag that Node does not know any more fails the build', () => {
  expect(spawnSync(process.execPath, [...FLAGS, '--no-such-flag', '-e', '0']).status).toBe(9)
  execFileSync(process.execPath, [...FLAGS, '-e', '0'])
})

test('no flag is a default of Node by now', () => {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })
  const defaults = new Set([...options.matchAll(/default: (--[^ \n]+)/g)].map(([, flag]) => flag))
  expect(defaults.size).toBeGreaterThan(100)
  expect(FLAGS.filter((flag) => defaults.has(flag))).toEqual([])
})
