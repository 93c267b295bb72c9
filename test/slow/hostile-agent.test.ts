import { test } from 'vitest'
import { deceive } from '../kit/deceived.ts'

test('ten thousand lies of an agent bring nothing about but sentences', { timeout: 4 * 3_600_000 }, () =>
  deceive(1, 10_000),
)
