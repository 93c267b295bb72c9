import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const FILES = globSync(['build.mjs', '{build,scripts,src,test}/**/*.{ts,tsx,mjs}']).sort()

/** Wider than that stands nothing in an editor beside another; the formatter leaves comments as they are. */
const COLUMNS = 120
const COMMENT = /^\s*(?:\/\*\*|\*|\/\/) /
/** One that can't be broken. */
const LONG_WORD = /\S{60}/

test('a comment fits in 120 columns', () => {
  expect(FILES.length).toBeGreaterThan(1000)
  const wide = FILES.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, at) =>
        COMMENT.test(line) && line.length > COLUMNS && !LONG_WORD.test(line) ? [`${file}:${at + 1}`] : [],
      ),
  )
  expect(wide).toEqual([])
})
