import { describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { becomes, watch } from '../kit/monitored.ts'
import { startTarget } from '../kit/target.ts'
import { uniqueName } from '../kit/unique.ts'

describe('a monitor', () => {
  test('ends the start-up lease of its id at the first healthy answer, and no other', async () => {
    const label = uniqueName('web')
    const target = await startTarget(503)
    const lease = ['lease', 'acquire', '--label', label]
    await runLocker([...lease, '--service-id', 'web-1'])
    const monitor = watch(label, ['--monitor-url', target.url])
    await monitor.says(/not up yet/)
    expect((await runLocker(['lease', 'show', '--label', label])).code).toBe(0)
    const next = startLocker([...lease, '--service-id', 'web-2'])
    await next.says(/waiting for/)
    target.status = 200
    expect((await next.ends()).code).toBe(0)
    await monitor.says(/the start-up lease of web-1 has ended\n.*web-1 is up/)
    // What comes and goes meanwhile must not cost the next one its lease.
    target.status = 503
    await becomes(label, 'out')
    target.status = 200
    await becomes(label, 'up')
    expect((await runLocker(['lease', 'show', '--label', label])).stdout).toContain('web-2 on ')
  })

  test('registers again when its agent has lost its state', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const agent = await startConsul()
    onTestFinished(() => agent.stop())
    const options = { address: agent.address }
    const monitor = watch(label, ['--monitor-url', target.url], options)
    await becomes(label, 'up', options)
    await agent.restart()
    await monitor.says(/the agent no longer knows the instance; registering it again/)
    await becomes(label, 'up', options)
    expect(monitor.stderr.match(/web-1 is up/g)).toHaveLength(1)
  })

  test('waits for an agent that starts after it', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const ports = await freePorts()
    const options = { address: `http://127.0.0.1:${ports.http}` }
    const monitor = watch(label, ['--monitor-url', target.url], options)
    await monitor.says(/can't be reached.*; trying again, for 5m at most/)
    const agent = await startConsul({ ports })
    onTestFinished(() => agent.stop())
    await becomes(label, 'up', options)
  })

  test('keeps two labels of one machine apart', async () => {
    const labels = [uniqueName('web'), uniqueName('db')]
    const target = await startTarget()
    for (const label of labels) watch(label, ['--monitor-url', target.url])
    for (const label of labels) await becomes(label, 'up')
  })
})
