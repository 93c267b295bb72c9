import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { isKnown, isMaintained } from '../kit/catalog.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

let agent: ConsulAgent
let consul: ConsulClient

beforeAll(async () => {
  agent = await startConsul({ mode: 'dev' })
  consul = new ConsulClient(agent.address)
})

afterAll(() => agent?.stop())

beforeEach(() => maintenance(false))

async function put(path: string, body?: object): Promise<void> {
  const response = await consul.request('PUT', path, body && JSON.stringify(body))
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
}

async function maintenance(enable: boolean): Promise<void> {
  await put(`/agent/maintenance?enable=${enable}&reason=test`)
  await isMaintained(consul.read, 'dev', enable)
}

/** Registers a service on this node, whose check stands like this. */
async function service(status: 'passing' | 'warning' | 'critical'): Promise<string> {
  const name = uniqueName('web')
  await put('/agent/service/register', { Name: name, Check: { TTL: '1h', Status: status } })
  await isKnown(consul.read, name, { status })
  return name
}

const at = () => ({ address: agent.address })

async function startHolder(name: string) {
  const stdio = ['pipe', 'pipe', 'pipe'] as const
  const holder = startLocker([name, 'sh', '-c', 'echo held; read -r line'], { ...at(), stdio: [...stdio] })
  await holder.prints(/held/)
  return { release: () => holder.child.stdin?.end('\n'), ends: () => holder.ends() }
}

describe('--require-healthy', () => {
  test('runs on a node that is well, and takes no word for its own', async () => {
    const ended = await runLocker(['--require-healthy', uniqueName('well'), 'echo', '--require-healthy'], at())
    expect(ended).toMatchObject({ code: 0, stdout: '--require-healthy\n', stderr: '' })
  })

  test('gives up at once with --no-wait while the node is in maintenance, and says why', async () => {
    await maintenance(true)
    const ended = await runLocker(['--no-wait', '--require-healthy', uniqueName('well'), 'echo', 'ran'], at())
    expect(ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/Maintenance Mode .*is critical/),
    })
  })

  test('gives up when the time to wait is over', async () => {
    await maintenance(true)
    const ended = await runLocker(['--wait', '1s', '--require-healthy', uniqueName('well'), 'echo', 'ran'], at())
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('is not ready: the check') })
  })

  test('waits until the node is well again, and nobody waits for it meanwhile', async () => {
    await maintenance(true)
    const name = uniqueName('well')
    const waiter = startLocker(['--require-healthy', name, 'echo', 'ran'], at())
    await waiter.says(/waiting until this node is well/)
    expect(await consul.sessions(name)).toEqual([])
    expect(await runLocker(['--no-wait', name, 'echo', 'other'], at())).toMatchObject({ code: 0, stdout: 'other\n' })
    await maintenance(false)
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
  })

  test('leaves the line when the node turns critical, and stands in it again afterwards', async () => {
    const name = uniqueName('well')
    const holder = await startHolder(name)
    const waiter = startLocker(['--require-healthy', name, 'echo', 'ran'], at())
    await waiter.says(/waiting for .*held by/)
    await maintenance(true)
    await waiter.says(/no longer waiting for the lock: the check .* is critical/)
    await patiently(
      async () => (await consul.sessions(name)).length === 1,
      () => 'its session is still there',
    )
    holder.release()
    expect(await holder.ends()).toMatchObject({ code: 0 })
    expect(await runLocker(['--no-wait', name, 'echo', 'other'], at())).toMatchObject({ code: 0, stdout: 'other\n' })
    expect(waiter.stdout).toBe('')
    await maintenance(false)
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await consul.remains(name)).toEqual([])
  })

  test('leaves a command alone that runs when the node turns critical', async () => {
    const stdio = ['pipe', 'pipe', 'pipe'] as const
    const words = ['--require-healthy', uniqueName('well'), 'sh', '-c', 'echo held; read -r line; exit 3']
    const runner = startLocker(words, { ...at(), stdio: [...stdio] })
    await runner.prints(/held/)
    await maintenance(true)
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 3, stderr: '' })
  })

  test('ends at a signal while it waits', async () => {
    await maintenance(true)
    const waiter = startLocker(['--require-healthy', uniqueName('well'), 'echo', 'ran'], at())
    await waiter.says(/waiting until this node is well/)
    waiter.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ code: 143, stdout: '' })
  })
})

describe('--require-healthy=SERVICE', () => {
  test.each([
    ['passing', 0],
    ['warning', 0],
    ['critical', 1],
  ] as const)('of a service that is %s ends with %d', async (status, code) => {
    const web = await service(status)
    const ended = await runLocker(['-n', `--require-healthy=${web}`, uniqueName('well'), 'true'], at())
    expect(ended).toMatchObject({ code, stderr: code === 0 ? '' : expect.stringContaining(`${web} is critical on`) })
  })

  test('of a service that is not here ends with 1', async () => {
    const ended = await runLocker(['-n', '--require-healthy=nobody', uniqueName('well'), 'true'], at())
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('no nobody is registered on') })
  })

  test('may stand in the environment', async () => {
    const run = (value: string) =>
      runLocker(['-n', uniqueName('well'), 'true'], { ...at(), env: { CONSUL_LOCKER_REQUIRE_HEALTHY: value } })
    expect((await run('true')).code).toBe(0)
    expect((await run('false')).code).toBe(0)
    expect((await run('nobody')).code).toBe(1)
  })
})
