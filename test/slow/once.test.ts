import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { type LockerOptions, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()

/** How a run ends, and whether the next one in the period runs then, and if only successes count. */
describe('what counts', () => {
  const next = (name: string, more: readonly string[], address?: string) =>
    runLocker(['--once-per', '1h', ...more, name, 'echo', 'again'], address === undefined ? {} : { address })

  async function counts(name: string, expected: { all: boolean; success: boolean }, said: RegExp): Promise<void> {
    const ended = await next(name, [])
    expect(ended.stdout, ended.stderr).toBe(expected.all ? '' : 'again\n')
    if (expected.all) expect(ended.stderr).toMatch(said)
    if (!expected.all) return
    const onSuccess = await next(name, ['--on-success'])
    expect(onSuccess.stdout, onSuccess.stderr).toBe(expected.success ? '' : 'again\n')
  }

  const start = (name: string, command: readonly string[], options: LockerOptions = {}, words: string[] = []) =>
    startLocker(['--once-per', '1h', ...words, name, ...command], options)

  test('is a run that lost its session, if starts count', async () => {
    const name = uniqueName('counts')
    const runner = start(name, ['sh', '-c', 'echo begun; sleep 60'])
    await runner.prints(/begun/)
    await consul().destroySession(await consul().holder(`consul-locker-${name}`))
    expect(await runner.ends()).toMatchObject({ code: 6 })
    await counts(name, { all: true, success: false }, /\(end unknown\)/)
  })
})

describe('a Consul that restarts', () => {
  let agent: ConsulAgent
  beforeAll(async () => {
    agent = await startConsul({ mode: 'server' })
  })
  afterAll(() => agent?.stop())

  test('forgets no start, neither after the run nor in the middle of it', async () => {
    const { address } = agent
    const [ended, running] = [uniqueName('restart'), uniqueName('restart')]
    await runLocker(['--once-per', '1h', ended, 'true'], { address })
    const runner = startLocker(['--once-per', '1h', running, 'sh', '-c', 'echo begun; read -r _'], {
      address,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    await runner.prints(/begun/)
    await agent.restart()
    for (const name of [ended, running]) {
      const skipped = await runLocker(['--once-per', '1h', name, 'echo', 'ran'], { address })
      expect(skipped).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('is skipped') })
    }
    runner.child.stdin?.end('\n')
    await runner.ends()
  })
})
