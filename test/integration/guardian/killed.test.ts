import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { afterTest } from '../../kit/after-test.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { patiently } from '../../kit/locker.ts'
import { kill, processesWith, runs, stateOf } from '../../kit/processes.ts'
import { DAEMONS, GuardedLock, isGuardian, PROMPT, STUBBORN, uptime } from './guarded-lock.ts'

describe.concurrent('a runner killed with -9', () => {
  test('takes its command with it, and the next one starts on a lock that was given back', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold(PROMPT)
    const waiter = await scene.wait()
    holder.kill('SIGKILL')
    const ended = await waiter.ends()
    expect(ended.code).toBe(0)
    expect(scene.lines).toEqual(['holder begins', 'holder term', 'waiter begins', 'waiter ends'])
    expect(ended.stderr, 'no lock-delay').not.toContain('was cut off')
    await scene.isEmpty()
    expect(await new ConsulClient().remains(scene.name)).toEqual([])
  })

  test.each([
    ['a tree that ignores TERM', STUBBORN, ['child', 'grandchild', 'orphan', 'beats']],
    ['daemons that left the process group', DAEMONS, ['daemon', 'twice', 'stubborn']],
  ])('ends %s before the next one starts', async (_, script, members) => {
    const scene = new GuardedLock()
    const holder = await scene.hold(script, ['--kill-after', '1s'])
    for (const member of members) await scene.says(`holder ${member}`)
    const waiter = await scene.wait()
    holder.kill('SIGKILL')
    const ended = await waiter.ends()
    expect(ended.code).toBe(0)
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    expect(ended.stderr).not.toContain('was cut off')
    await scene.isEmpty()
  })

  test('while it waits leaves nothing at Consul, and its place to others', async () => {
    const scene = new GuardedLock()
    await scene.hold('say begins; until [ -e "$LOG.go" ]; do sleep 0.02; done')
    const waiter = await scene.wait()
    waiter.kill('SIGKILL')
    const consul = new ConsulClient()
    await patiently(
      async () => (await consul.sessions(scene.name)).length === 1,
      () => 'the waiter’s session is left',
    )
    writeFileSync(`${scene.log}.go`, '')
    await scene.isEmpty()
    expect(scene.lines).toEqual(['holder begins'])
  })
})

describe.concurrent('a runner that is stopped', () => {
  const ttl = ['--ttl', '10s', '--kill-after', '1s']

  test('for less than the TTL does not matter', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold('say begins; until [ -e "$LOG.go" ]; do sleep 0.02; done; exit 7', [
      ...ttl,
      ...['--renew', '1s'],
    ])
    holder.kill('SIGSTOP')
    // How long it lasts is the case itself: a renewal is due meanwhile, and the lease is not over.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    holder.kill('SIGCONT')
    writeFileSync(`${scene.log}.go`, '')
    expect(await holder.ends()).toMatchObject({ code: 7, stderr: '' })
    await scene.isEmpty()
  })

  test.each([
    ['a command that dies on TERM', PROMPT],
    ['a command that ignores TERM', STUBBORN],
  ])('past its deadline finds that the guardian ended %s in time, and says so', async (_, script) => {
    const scene = new GuardedLock()
    const holder = await scene.hold(script, ttl)
    const waiter = await scene.wait()
    holder.kill('SIGSTOP')
    const stoppedAt = uptime()
    expect(await waiter.ends()).toMatchObject({ code: 0 })
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    const last = scene.entries.findLast(({ line }) => line.startsWith('holder'))
    // TTL, grace, and the margin of the arithmetic.
    expect((last?.at ?? 0) - stoppedAt).toBeLessThan(10 + 1 + 2)
    expect(stateOf(holder.pid)).toBe('T')
    holder.kill('SIGCONT')
    const ended = await holder.ends()
    expect(ended.code).toBe(6)
    expect(ended.stderr).toMatch(/error: the command was stopped, for the lock .* was lost: /)
    await scene.isEmpty()
  })
})

describe.concurrent('a guardian that is killed', () => {
  test('is replaced by another that knows all: the command lives on, and is ended should the runner die', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold(PROMPT)
    const first = await scene.guardianOf(holder)
    kill(first)
    await holder.says(/the guardian was killed; started another/)
    const second = await scene.guardianOf(holder, first)
    const waiter = await scene.wait()
    expect(runs(second)).toBe(true)
    holder.kill('SIGKILL')
    expect((await waiter.ends()).stderr).not.toContain('was cut off')
    expect(scene.lines).toEqual(['holder begins', 'holder term', 'waiter begins', 'waiter ends'])
    await scene.isEmpty()
  })

  test('does not change the command’s exit code, and its timer does not end the command later', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold('say begins; until [ -e "$LOG.go" ]; do sleep 0.02; done; exit 7')
    // A third that lived so shortly would be the last.
    for (let last: number | undefined, times = 0; times < 2; times++) {
      last = await scene.guardianOf(holder, last)
      const timer = await scene.timerOf(last)
      kill(last)
      await patiently(
        () => !runs(timer),
        () => 'the timer of a killed guardian lives on',
      )
    }
    writeFileSync(`${scene.log}.go`, '')
    expect((await holder.ends()).code).toBe(7)
    await scene.isEmpty()
  })

  test('again and again, faster than one can be started, costs the command', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold(PROMPT)
    const hunt = setInterval(() => {
      for (const pid of processesWith(scene.name)) if (isGuardian(pid, holder.pid)) kill(pid)
    }, 20)
    afterTest(() => clearInterval(hunt))
    const ended = await holder.ends()
    clearInterval(hunt)
    expect(ended.code).toBe(6)
    expect(ended.stderr).toContain('no guardian could be kept alive')
    expect(scene.lines).toEqual(['holder begins', 'holder term'])
    await scene.isEmpty()
    expect(await new ConsulClient().remains(scene.name)).toEqual([])
  })

  test('together with its runner leaves a timer, which ends the command and gives the lock back', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold(STUBBORN, ['--ttl', '10s', '--kill-after', '1s'])
    const waiter = await scene.wait()
    const guardian = await scene.guardianOf(holder)
    holder.kill('SIGSTOP')
    const killedAt = uptime()
    for (const pid of [guardian, holder.pid]) kill(pid)
    expect((await waiter.ends()).stderr).not.toContain('was cut off')
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    const last = scene.entries.findLast(({ line }) => line.startsWith('holder'))
    expect((last?.at ?? 0) - killedAt).toBeLessThan(10 + 1 + 2)
    await scene.isEmpty()
  })
})
