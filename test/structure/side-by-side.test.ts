import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LONG } from '../kit/longest-first.ts'

test('a file whose tests run beside each other asks vitest for nothing that means the test that began last', () => {
  const files = globSync('test/{integration,slow}/**/*.test.ts').map(
    (file) => [file, readFileSync(file, 'utf8')] as const,
  )
  const concurrent = files.filter(([, text]) => /^(describe|test)[\w.()]*\.concurrent\b/m.test(text))
  expect(concurrent.length).toBeGreaterThan(3)
  const asking = concurrent.filter(([, text]) => /\bonTestFinished\(|\bexpect\.poll\(/.test(text))
  expect(asking.map(([file]) => file)).toEqual([])
})

test('the files that are to begin first are there', () => {
  expect(LONG.filter((file) => !existsSync(file))).toEqual([])
})
