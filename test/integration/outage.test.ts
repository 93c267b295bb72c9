import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { afterTest } from '../kit/after-test.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { uniqueName } from '../kit/unique.ts'
import { uptime } from './guardian/guarded-lock.ts'

const piped = { stdio: ['pipe', 'pipe', 'pipe'] as ('pipe' | 'ignore')[] }

describe.concurrent('an agent that is not there at the start', () => {
  let address: string

  beforeAll(async () => {
    address = `http://127.0.0.1:${(await freePorts()).http}`
  })

  test('ends a run that doesn’t wait, with 3', async () => {
    const ended = await runLocker(['--no-wait', uniqueName('down'), 'echo', 'ran'], { address })
    expect(ended).toMatchObject({ code: 3, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: Consul at http:\/\/127\.0\.0\.1:\d+ can't be reached.*\n$/)
  })

  test('ends a run whose wait is over, with 3', async () => {
    const ended = await runLocker(['--wait', '0.5', uniqueName('down'), 'echo', 'ran'], { address })
    expect(ended).toMatchObject({ code: 3, stdout: '' })
    expect(ended.stderr).toMatch(/error: Consul at .* can't be reached.*\n$/)
  })

  test.each<[string, (name: string) => string[]]>([
    ['a run', (name) => ['--wait', '1s', name, 'echo', 'ran']],
    ['a wait for hosts', (name) => ['hosts', '--label', name, '--wait', '1s']],
    ['a wait for hosts but this one', (name) => ['hosts', '--label', name, '--exclude-self', '--wait', '1s']],
    ['a wait for this node’s flag', (name) => ['promote', name, '--wait', 'NULL', '--timeout', '1s']],
    ['a wait for a lease', (name) => ['lease', 'acquire', '--label', name, '--acquire-timeout', '1s']],
    ['a wait for a flag', (name) => ['promote', name, '--node', 'n1', '--wait', 'NULL', '--timeout', '1s']],
    ['a request for a lock', (name) => ['release', name, '--run', 'one', '--timeout', '1s']],
  ])('is tried by %s for as long as the option says, which is told, and ends it with 3', async (_, words) => {
    const ended = await runLocker(words(uniqueName('down')), { address })
    expect(ended).toMatchObject({ code: 3, stdout: '' })
    expect(ended.stderr).toMatch(
      /^consul-locker: warn: .* can't be reached.*; trying again, for 1s at most\nconsul-locker: error: .* can't be reached.*\n$/,
    )
  })

  test('ends a lease that is tried once, with 3', async () => {
    const words = ['lease', 'acquire', '--label', uniqueName('down'), '--acquire-timeout', '0']
    const ended = await runLocker(words, { address })
    expect(ended).toMatchObject({ code: 3, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: .* can't be reached.*\n$/)
  })

  test('leaves a waiting run interruptible', async () => {
    const runner = startLocker([uniqueName('down'), 'echo', 'ran'], { address })
    await runner.says(/trying again/)
    runner.kill('SIGINT')
    expect(await runner.ends()).toMatchObject({ code: 130, stdout: '' })
  })

  test('is waited for; that is said once, and the run begins when the agent comes', async () => {
    const ports = await freePorts()
    const address = `http://127.0.0.1:${ports.http}`
    const runner = startLocker([uniqueName('late'), 'sh', '-c', 'echo ran; exit 5'], { address })
    await runner.says(/trying again/)
    const agent = await startConsul({ ports })
    afterTest(() => agent.stop())
    expect(await runner.ends()).toMatchObject({ code: 5, stdout: 'ran\n' })
    expect(runner.stderr.match(/trying again/g)).toHaveLength(1)
    expect(runner.stderr.match(/answers again/g)).toHaveLength(1)
  })
})

describe('an agent that falls silent', () => {
  let agent: ConsulAgent

  beforeAll(async () => {
    agent = await startConsul()
  })

  afterAll(() => agent?.stop())

  test('for less than the TTL is nothing to the command', async () => {
    const name = uniqueName('blip')
    const options = { ...piped, address: agent.address, env: { DEBUG: '1' } }
    const runner = startLocker(['--renew', '1s', name, 'sh', '-c', 'echo ready; read -r line; exit 5'], options)
    await runner.prints(/ready/)
    agent.kill('SIGSTOP')
    await runner.says(/could not be renewed yet/)
    agent.kill('SIGCONT')
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 5 })
    expect(runner.stderr).not.toMatch(/(warn|error):/)
    expect(await new ConsulClient(agent.address).remains(name)).toEqual([])
  })

  test('ends no wait later than its option says, and makes nobody forget what they saw', async () => {
    const { address } = agent
    const label = uniqueName('silent')
    const lease = (id: string, ...more: string[]) => ['lease', 'acquire', '--label', label, '--service-id', id, ...more]
    expect(await runLocker(lease('one'), { address })).toMatchObject({ code: 0 })
    const other = startLocker(lease('other', '--acquire-timeout', '5s'), { address })
    const hosts = startLocker(['hosts', '--label', label, '--wait', '5s'], { address, env: { DEBUG: '1' } })
    await other.says(/waiting for .*: one on /)
    await hosts.says(/200 GET/)
    agent.kill('SIGSTOP')
    for (const one of [other, hosts]) expect(await one.ends()).toMatchObject({ code: 1, stdout: '' })
    agent.kill('SIGCONT')
    expect(other.stderr).toMatch(/was not free within 5s: one on /)
    expect(hosts.stderr).toMatch(/within 5s: 0; wanted: 1/)
  })

  test('is nobody else’s fault when a wait is over', async () => {
    const name = uniqueName('silent')
    agent.kill('SIGSTOP')
    const ended = await Promise.all([
      runLocker(['--wait', '1s', name, 'echo', 'ran'], { address: agent.address }),
      runLocker(['promote', name, '--wait', 'NULL', '--timeout', '1s'], { address: agent.address }),
    ]).finally(() => agent.kill('SIGCONT'))
    for (const { code, stdout, stderr } of ended) {
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(/error: nothing answered at .* within 1s/)
    }
  })

  test('for longer than the TTL costs the lock: the command is stopped before anybody else may have it', async () => {
    const name = uniqueName('silent')
    const script =
      'trap "read -r up _ </proc/uptime; echo told at \\$up.; exit 5" TERM; sleep 60 & echo "pids $$ $!."; wait'
    const options = ['--ttl', '10s', '--renew', '1s']
    const runner = startLocker([...options, name, 'sh', '-c', script], { address: agent.address })
    const [, one, other] = await runner.prints(/^pids (\d+) (\d+)\.$/m)
    const stoppedAt = uptime()
    agent.kill('SIGSTOP')
    await runner.says(/lost the lock/)
    // The promise is a time: the TTL from the last renewal, which was before the agent fell silent. The command itself
    // says when, for on a busy machine we hear of it later.
    const [, toldAt] = await runner.prints(/^told at ([\d.]+)\.$/m)
    expect(Number(toldAt) - stoppedAt).toBeLessThan(12)
    expect(await runner.ends()).toMatchObject({ code: 6 })
    const waiter = startLocker([name, 'echo', 'ran'], { address: agent.address })
    agent.kill('SIGCONT')
    // Consul still has the session, and nobody waits for its end: the guardian has stayed to give the lock back.
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(waiter.stderr).not.toContain('was cut off')
    // The lock comes first, the session afterwards.
    await patiently(
      async () => (await new ConsulClient(agent.address).remains(name)).length === 0,
      () => 'its session is left',
    )
    expect([Number(one), Number(other)].filter(runs)).toEqual([])
    expect(runner.stderr).toMatch(/error: .*could not be renewed in time/)
  })
})
