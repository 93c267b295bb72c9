import { expect, test } from 'vitest'
import { marked, newMarker } from '../../../src/child/marker.ts'

test('a marker is an entry of an environment that no other command has', () => {
  const marker = newMarker('STEP')
  expect(marker).toMatch(/^CONSUL_LOCKER_STEP_[a-z0-9_]+=1$/)
  expect(newMarker('STEP')).not.toBe(marker)
  expect(Object.entries(marked({ PATH: '/bin' }, marker)).map((entry) => entry.join('='))).toEqual([
    'PATH=/bin',
    marker,
  ])
})
