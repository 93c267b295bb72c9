import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FORMATS } from '../../../../scripts/release/formats.ts'
import { partsBesideSnapshot } from '../../../kit/sea-blob.ts'
import { scratch } from '../../../kit/unique.ts'
import { contents } from '../made-package.ts'

const PROJECT = join(import.meta.dirname, '../../../..')

/** A copy of the project elsewhere, at this commit, that nothing was built in. */
function copyOfProject(): string {
  const dir = scratch()
  execFileSync('sh', ['-c', `git -C '${PROJECT}' archive HEAD | tar -x -C '${dir}'`])
  execFileSync('cp', ['-al', join(PROJECT, 'node_modules'), dir])
  return dir
}

function built(dir: string, ...words: string[]): Buffer {
  execFileSync('scripts/node', ['build.mjs', ...words], { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] })
  return readFileSync(join(dir, 'dist', words.length > 0 ? 'consul-locker-plain' : 'consul-locker'))
}

const sum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('two builds in different folders differ in nothing but the start-up snapshot', () => {
  const [one, other] = [copyOfProject(), copyOfProject()].map((dir) => {
    const parts = partsBesideSnapshot(built(dir))
    // Of the script that the snapshot was made of, among others.
    const [digest] = readFileSync(join(dir, 'dist/consul-locker.made-of'), 'utf8').split(' ')
    return { ...parts, digest }
  })
  expect(Object.keys(one ?? {}).length).toBeGreaterThan(50)
  expect(one).toEqual(other)
})

test('two plain builds in different folders are the same, byte for byte', () => {
  const [one, other] = [copyOfProject(), copyOfProject()].map((dir) => sum(built(dir, '--plain')))
  expect(one).toBe(other)
})

const wanted = await contents()

test.each(FORMATS)('$name: two packages of one executable are the same, byte for byte', async ({ make }) => {
  const sums = []
  for (const name of ['one', 'other']) {
    const into = join(wanted.into, name)
    mkdirSync(into, { recursive: true })
    sums.push(sum(readFileSync(join(into, await make({ ...wanted, into })))))
  }
  expect(sums[0]).toBe(sums[1])
})
