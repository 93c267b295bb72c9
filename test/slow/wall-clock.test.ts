import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { patiently, type Running, startLocker } from '../kit/locker.ts'
import { settableClock } from '../kit/settable-clock.ts'
import { Toy } from '../kit/toy-application.ts'
import { uniqueName } from '../kit/unique.ts'

const RENEWAL = /PUT \/v1\/session\/renew\//g

/** Waits for so many more renewals than there have been. */
async function renewed(runner: Running, times: number): Promise<void> {
  const count = () => runner.stderr.match(RENEWAL)?.length ?? 0
  const before = count()
  await patiently(
    () => count() >= before + times,
    () => `not renewed: ${runner.stderr}`,
  )
}

describe.concurrent.each([1, -1])('a wall clock that is set by %d h', (hours) => {
  test('ends no command under a lock', async () => {
    const clock = await settableClock()
    const command = ['sh', '-c', 'date +%s; read -r _; date +%s']
    const runner = startLocker(['--ttl', '10s', '--renew', '1s', uniqueName('wall'), ...command], {
      env: { ...clock.environment, DEBUG: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    await runner.prints(/^\d+$/m)
    clock.set(hours)
    // A holder looks at its deadline every 5 s.
    await renewed(runner, 7)
    runner.child.stdin?.end('\n')
    const { code, stdout, stderr } = await runner.ends()
    expect(stderr).not.toContain('was lost')
    expect(code).toBe(0)
    // The program has indeed seen it.
    const [before = 0, after = 0] = stdout.trim().split('\n').map(Number)
    expect(Math.round((after - before) / 3600)).toBe(hours)
  })

  test('demotes no master', async () => {
    const clock = await settableClock()
    const toy = await Toy.make()
    const agent = toy.start(undefined, clock.environment)
    await toy.plays('master')
    clock.set(hours)
    const asserted = () => readFileSync(join(toy.dir, 'calls'), 'utf8').match(/^master$/gm)?.length ?? 0
    const before = asserted()
    await patiently(
      () => asserted() >= before + 12,
      () => `it is not asserted: ${agent.stderr}`,
    )
    expect(toy.calls.at(-1)).toBe('master')
    expect(agent.stderr).not.toContain('lost the lock')
    agent.kill('SIGTERM')
    await agent.ends()
  })
})
