import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CHANGES, SwitchLab } from '../kit/switch-lab.ts'

const lab = new SwitchLab()

beforeAll(() => lab.start())
afterEach(() => lab.heal())
afterAll(() => lab.stop())

test.each(CHANGES)('a switch outlives an election at Consul’s own timing behind “%s”', async (change) => {
  await lab.begin()
  const ended = await lab.switchWith(CHANGES.indexOf(change) + 1, () => lab.killLeader())
  expect(ended).toMatchObject({ code: 0 })
  await lab.heal()
  await lab.isSwitched()
})
