import { expect, test } from 'vitest'
import { NO_GUARDIAN } from '../../../src/child/guardian.ts'
import { DEADLINE_PASSED } from '../../../src/lock/loss.ts'
import { CommandRunner } from '../../../src/rollout/command-runner.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

test('a step that goes on after its lease, and doesn’t know that yet, begins no command', async () => {
  const { ctx } = virtualLock()
  const session = { leaseLeftMs: () => 0, graceLeftMs: () => 0, onRenewed() {} }
  const runner = new CommandRunner({ guardian: NO_GUARDIAN, graceMs: 5000, session }, {})
  const command = { run: ['/bin/true'], ok: [], reboot: [] }
  await expect(runner.run(ctx, [command], 1000)).rejects.toBe(DEADLINE_PASSED)
  expect(runner.isQuiet).toBe(true)
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
