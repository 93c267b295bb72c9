import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { translation } from '../../../build/translated-parser.ts'
import { scratch } from '../../kit/unique.ts'

function sum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

test('the translated parser that is kept is the one that a translation gives today', async () => {
  const empty = scratch()
  const fresh = await translation(empty)
  expect(readdirSync(empty)).toHaveLength(1)
  expect(sum(await translation())).toBe(sum(fresh))
})
