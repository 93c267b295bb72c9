import { describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { flagKey, recorder } from '../kit/flags.ts'
import { patiently, startLocker } from '../kit/locker.ts'
import { put } from '../kit/shared-consul.ts'
import { uniqueName } from '../kit/unique.ts'

describe('a watch of ours', () => {
  test('that was killed while its command ran begins with what has become of the change', async () => {
    const service = uniqueName('watch')
    const { command, lines, written } = recorder()
    const lasting = [...command.slice(0, 2), `${command[2]}; [ "$CONSUL_LOCKER_FLAG_VALUE" = NULL ] || exec sleep 4`]
    const watch = () => startLocker(['promote', service, '--watch', '--', ...lasting])
    const first = watch()
    await put(flagKey(service), 'START')
    await written(1)
    first.kill('SIGKILL')
    await first.ends()
    await put(flagKey(service), 'NULL')
    watch()
    await written(2)
    expect(lines()).toEqual(['promote NULL START', 'promote NULL NULL'])
  })

  test('tries its command again that fails, though it is killed meanwhile, until the flag changes', async () => {
    const service = uniqueName('watch')
    const { command, lines, written } = recorder()
    const failing = [...command.slice(0, 2), `${command[2]}; [ "$CONSUL_LOCKER_FLAG_VALUE" = NULL ]`]
    const watch = () => startLocker(['demote', service, '--watch', '--', ...failing])
    await put(flagKey(service, 'demote'), 'START')
    const first = watch()
    await first.says(/sh ended with 1 at .* START; trying again/)
    await written(2)
    first.kill('SIGKILL')
    await first.ends()
    const count = lines().length
    watch()
    await written(count + 2)
    await put(flagKey(service, 'demote'), 'NULL')
    await patiently(
      () => lines().at(-1) === 'demote START NULL',
      () => `not called for NULL: ${lines()}`,
    )
    expect(new Set(lines().slice(0, -1))).toEqual(new Set(['demote NULL START']))
  })

  test('survives a restart of the agent, and runs for what changed', async () => {
    const service = uniqueName('watch')
    const agent = await startConsul({ mode: 'server' })
    onTestFinished(() => agent.stop())
    const own = new ConsulClient(agent.address)
    const { command, lines, written } = recorder()
    const watch = startLocker(['promote', service, '--watch', '--', ...command], { address: agent.address })
    await own.request('PUT', `/kv/${flagKey(service, 'promote', 'server')}`, 'START')
    await written(1)
    await agent.restart()
    await watch.says(/answers again/)
    await own.request('PUT', `/kv/${flagKey(service, 'promote', 'server')}`, 'NULL')
    await written(2)
    expect(lines()).toEqual(['promote NULL START', 'promote START NULL'])
  })
})
