import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { history } from '../kit/histories.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { client, keyOf } from '../kit/shared-consul.ts'
import { uniqueName } from '../kit/unique.ts'

describe('history', () => {
  test('of a run that lost its session is carried on by those who come next, however they end', async () => {
    const name = uniqueName('lost')
    const start = async () => {
      const runner = startLocker(['--kill-after', '200ms', name, 'sh', '-c', 'echo begun; sleep 60'])
      await runner.prints(/begun/)
      return runner
    }
    const first = await start()
    await client.destroySession(await client.holder(keyOf(name)))
    await first.ends()
    expect(await history(name)).toMatchObject([{ lost: 'unknown' }])
    const second = await start()
    await client.destroySession(await client.holder(keyOf(name)))
    await second.ends()
    expect(await history(name)).toMatchObject([{ lost: 'unknown' }, { lost: 'unknown' }])
    expect(await runLocker([name, 'true'])).toMatchObject({ code: 0 })
    const runs = await history(name)
    expect(runs).toMatchObject([{ lost: 'unknown' }, { lost: 'unknown' }, { code: 0 }])
    expect(JSON.parse(await client.value(`${keyOf(name)}=runs`)).runs).toEqual(runs)
  })
})

describe('a Consul that is away when a run ends', () => {
  let agent: ConsulAgent
  beforeAll(async () => {
    agent = await startConsul({ mode: 'server' })
  })
  afterAll(() => agent?.stop())

  test('learns of it from the guardian when it is back', async () => {
    const { address } = agent
    const name = uniqueName('away')
    const runner = startLocker(['--ttl', '10s', name, 'sh', '-c', 'echo begun; read -r _; exit 5'], {
      address,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    await runner.prints(/begun/)
    agent.kill('SIGKILL')
    await agent.exited()
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 5 })
    await agent.restart()
    const told = async () => (await history(name, address)).some(({ code }) => code === 5)
    await patiently(told, () => 'the end of the run is not recorded')
    expect(await history(name, address)).toHaveLength(1)
  })
})
