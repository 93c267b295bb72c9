import { expect, test } from 'vitest'
import { runLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const PHASES = [
  'Node has started',
  'options parsed',
  'guardian started',
  'session created',
  'lock obtained',
  'command started',
  'command ended',
  'lock released',
  'session destroyed',
  'leaving',
]

const MARK = /^consul-locker: debug: ([\d.]+) ms: (.*)$/gm

async function run(value: string) {
  const { code, stderr } = await runLocker([uniqueName('timing'), 'true'], { env: { DEBUG: value } })
  expect(code).toBe(0)
  return { stderr, marks: [...stderr.matchAll(MARK)].map(([, ms, phase]) => ({ ms: Number(ms), phase })) }
}

test('DEBUG=timing tells the phases of a run, in order, and no requests', async () => {
  const { stderr, marks } = await run('timing')
  expect(marks.map(({ phase }) => phase)).toEqual(PHASES)
  const times = marks.map(({ ms }) => ms)
  expect(times).toEqual(times.toSorted((one, other) => one - other))
  expect(marks[0]?.ms, 'what was before our own code counts').toBeGreaterThan(0)
  expect(stderr).not.toContain('/v1/')
})

test('any other value of DEBUG tells the requests and no phases; with a comma it is both', async () => {
  expect((await run('1')).marks).toEqual([])
  const both = await run('true,timing')
  expect(both.marks).toHaveLength(PHASES.length)
  expect(both.stderr).toContain('/v1/txn')
})
