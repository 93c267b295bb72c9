import { expect, test } from 'vitest'
import { slotOf } from '../../../../../src/leader/application/postgres/replication-slot.ts'

test('each node has a slot of its own, by a name that PostgreSQL takes', () => {
  expect(slotOf('web1')).toBe('consul_locker_web1')
  const nodes = ['web1', 'Web1', 'web-1', 'web.1', 'web_1', 'wéb1', 'x'.repeat(300), `${'x'.repeat(300)}y`, '', '日本']
  const slots = nodes.map(slotOf)
  expect(new Set(slots).size).toBe(nodes.length)
  for (const slot of slots) expect(slot).toMatch(/^[a-z0-9_]{1,63}$/)
})
