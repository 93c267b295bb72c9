import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { counts, startOncePerHour } from '../kit/once-per-hour.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()

/** How a run ends, and whether the next one in the period runs then, and if only successes count. */
describe('what counts', () => {
  test('is a run that lost its session, if starts count', async () => {
    const name = uniqueName('counts')
    const runner = startOncePerHour(name, ['sh', '-c', 'echo begun; sleep 60'])
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
