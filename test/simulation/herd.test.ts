import { expect, test } from 'vitest'
import { measureHerd } from './herd.ts'

test('a hand-over costs the same whether ten or five hundred wait, and they are served in their order', async () => {
  const few = await measureHerd(10, 8)
  const many = await measureHerd(500, 8)
  expect(many).toMatchObject({ inOrder: true, raftWrites: 2 })
  expect(few.raftWrites).toBe(2)
  expect(few.inOrder).toBe(true)
  expect(many.requests).toBeLessThanOrEqual(10)
  expect(many.requests - few.requests).toBeLessThan(1)
})

test('what a waiter reads is the same however many wait: when it comes, while it stands there, and when it moves up', async () => {
  const few = await measureHerd(10, 8)
  const many = await measureHerd(300, 8)
  for (const what of ['bytesToEnter', 'bytesAMinute', 'bytesRead'] as const) {
    expect(many[what], what).toBeLessThan(few[what] * 1.1)
  }
})
