import { expect, test } from 'vitest'
import { exitsWith, range } from '../kit/exits.ts'

test('the exit code is the command’s own, from 0 to 255', async () => {
  const all = range(0, 255)
  const { got, sessions } = await exitsWith(all)
  expect(got).toEqual(all.map((code) => [code, code, '']))
  expect(sessions).toEqual([])
})
