import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Guardian, NO_GUARDIAN } from '../../../src/child/guardian.ts'
import { DEADLINE_PASSED } from '../../../src/lock/loss.ts'
import { CommandRunner } from '../../../src/rollout/command-runner.ts'
import { scratch } from '../../kit/unique.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

test('a step that goes on after its lease, and doesn’t know that yet, begins no command', async () => {
  const { ctx } = virtualLock()
  const session = { leaseLeftMs: () => 0, graceLeftMs: () => 0, onRenewed() {} }
  const runner = new CommandRunner({ guardian: NO_GUARDIAN, graceMs: 5000, session }, {})
  const command = { run: ['/bin/true'], ok: [], reboot: [] }
  await expect(runner.run(ctx, [command], 1000)).rejects.toBe(DEADLINE_PASSED)
  expect(runner.isQuiet).toBe(true)
})

test('its guardian knows of a command before that begins, and of none that can’t be started', async () => {
  const { ctx } = virtualLock()
  const session = { leaseLeftMs: () => 60_000, graceLeftMs: () => 0, onRenewed() {} }
  const orders: (string | number)[] = []
  const guardian: Guardian = {
    ...NO_GUARDIAN,
    arm: (group) => void orders.push(group),
    disarm: () => void orders.push('disarm'),
  }
  const runner = new CommandRunner({ guardian, graceMs: 5000, session }, {})
  const steps = (run: string[]) => runner.run(ctx, [{ run, ok: [], reboot: [] }], 60_000)
  const marker = expect.stringMatching(/^CONSUL_LOCKER_STEP_\w+=1$/)
  expect(await steps(['/bin/true'])).toMatchObject({ trouble: undefined })
  expect(orders.splice(0)).toEqual([marker, expect.any(Number), 'disarm'])
  expect(await steps(['/bin/sh', '-c', 'env | grep -c ^CONSUL_LOCKER_STEP_'])).toMatchObject({ trouble: undefined })
  expect(orders.splice(0)).toHaveLength(3)
  const script = join(scratch(), 'script')
  writeFileSync(script, '#!/nowhere\n', { mode: 0o755 })
  expect(await steps([script])).toMatchObject({ trouble: expect.stringContaining("can't be started") })
  expect(orders).toEqual([marker, 'disarm'])
})

test('nothing begins while something may run that was to end', async () => {
  const { ctx } = virtualLock()
  const session = { leaseLeftMs: () => 60_000, graceLeftMs: () => 0, onRenewed() {} }
  const runner = new CommandRunner({ guardian: NO_GUARDIAN, graceMs: 5000, session }, {})
  runner.isQuiet = false
  await expect(runner.run(ctx, [{ run: ['/bin/true'], ok: [], reboot: [] }], 1000)).rejects.toThrow('nothing begins')
  await expect(runner.validate(ctx, { tests: { dir: '/nowhere', allow_none: true }, timeoutMs: 1000 })).rejects.toThrow(
    'nothing begins',
  )
  expect(runner.isQuiet).toBe(false)
})
