import { test } from 'vitest'
import { deceive } from '../kit/deceived.ts'

test('two and a half thousand lies of an agent bring nothing about but sentences', { timeout: 1_800_000 }, () =>
  deceive(1, 2_500),
)
