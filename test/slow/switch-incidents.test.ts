import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CHANGES, SwitchLab } from '../kit/switch-lab.ts'

const lab = new SwitchLab()

beforeAll(() => lab.start())
afterEach(() => lab.heal())
afterAll(() => lab.stop())

test('a switch outlives an election at Consul’s own timing while the old primary has stopped', async () => {
  await lab.begin()
  const ended = await lab.switchWith(CHANGES.indexOf('swap') + 1, () => lab.killLeader())
  expect(ended).toMatchObject({ code: 0 })
  await lab.isSwitched()
}, 200_000)

test('a switch doesn’t mind that somebody lays out the cluster key anew and adds to it', async () => {
  for (const count of [CHANGES.indexOf('raise demote') + 1, CHANGES.indexOf('swap') + 1]) {
    await lab.begin()
    const edit = async () => lab.setRoles(JSON.stringify({ ...(await lab.roles()), note: 'hello' }, undefined, 4))
    expect(await lab.switchWith(count, edit)).toMatchObject({ code: 0, stderr: '' })
    await lab.isSwitched()
    expect(await lab.roles()).toEqual({ active_nodes: ['node2'], standby_nodes: ['node1'], note: 'hello' })
  }
})

test.each(['oops', '{"active_nodes": ["node9"], "standby_nodes": []}'])(
  'a switch is undone when somebody sets other roles before it does (%s), and ended when after that',
  async (text) => {
    await lab.begin()
    const undone = await lab.switchWith(CHANGES.indexOf('raise demote') + 1, () => lab.setRoles(text))
    expect(undone.code).toBe(1)
    expect(undone.stderr).toContain('are others than this switch found or makes; undoing the switch')
    await lab.isUndone()
    const ended = await lab.switchWith(CHANGES.indexOf('clear demote') + 1, () => lab.setRoles(text))
    expect(ended.code).toBe(0)
    await lab.isSwitched()
  },
)
