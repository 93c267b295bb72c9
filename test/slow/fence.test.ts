import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { ServiceNode } from '../kit/service-node.ts'

const BOTH = ['apache2', 'mysql']
const KEY = 'cluster/production/myserviceConsulName'
const FLAG = 'service/myserviceConsulName/node1/demote'

let server: ServiceNode
let node1: ServiceNode

const init = (...args: string[]) => runLocker(['init', node1.script, ...args], { address: node1.agent.address })

const put = (key: string, value: string) => server.consul.request('PUT', `/kv/${key}`, value)

/** node1 is primary, and runs. */
async function begin(): Promise<void> {
  await server.consul.request('DELETE', '/kv/service/myserviceConsulName?recurse')
  await put(KEY, '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}')
  expect(await init('start')).toMatchObject({ code: 0 })
}

/** A forced switch has left node1 out, and made node2 primary. */
async function fence(): Promise<void> {
  await put(KEY, '{"active_nodes": ["node2"], "standby_nodes": ["node1"]}')
  await put(FLAG, 'START')
}

const report = async () => JSON.parse((await server.consul.value('service/myserviceConsulName/node1/report')) || '{}')

beforeAll(async () => {
  server = await ServiceNode.start({ name: 'server', server: true })
  node1 = await ServiceNode.start({ name: 'node1', join: server.agent.ports.serf_lan, extra: ['stop_timeout: 2s'] })
})

afterAll(async () => {
  for (const node of [node1, server]) await node?.stop()
})

describe('a fenced node', () => {
  test('stops, prepares, starts and restarts though its noop lockfile can’t be written', async () => {
    await begin()
    const script = join(node1.dir, 'elsewhere')
    const text = readFileSync(node1.script, 'utf8').replace(/noop_lockfile: .*/, 'noop_lockfile: /proc/none/noop')
    writeFileSync(script, text)
    const act = (action: string) => runLocker(['init', script, action], { address: node1.agent.address })
    const warned = {
      code: 0,
      stderr: expect.stringMatching(/^consul-locker: warn: the noop lockfile \S+ can't be written: .*\n$/),
    }
    expect(await act('restart')).toMatchObject(warned)
    expect(node1.running).toEqual(BOTH)
    await fence()
    expect(await act('demote')).toMatchObject(warned)
    expect(node1.running).toEqual([])
    expect(await server.consul.value(FLAG)).toBe('NULL')
    await put(FLAG.replace('demote', 'promote'), 'START')
    expect(await act('promote')).toMatchObject(warned)
    expect(await server.consul.value(FLAG.replace('demote', 'promote'))).toBe('WAIT')
  })

  test('that can’t stop its services says so, and tries again until it has', async () => {
    await begin()
    writeFileSync(join(node1.dir, 'stuck'), '')
    await fence()
    const demote = startLocker(['init', node1.script, 'demote'], { address: node1.agent.address })
    await demote.says(/mysql: its stop command did not end within 2s; trying again until it has stopped\n/)
    expect(await report()).toMatchObject({ demote: { value: 'START', outcome: 'failed' } })
    rmSync(join(node1.dir, 'stuck'))
    expect((await demote.ends()).code).toBe(0)
    expect(node1.running).toEqual([])
    expect(await server.consul.value(FLAG)).toBe('NULL')
  })

  test('stops in the end though its agent is gone meanwhile', async () => {
    await begin()
    writeFileSync(join(node1.dir, 'stuck'), '')
    await fence()
    const demote = startLocker(['init', node1.script, 'demote'], { address: node1.agent.address })
    await demote.says(/trying again until it has stopped\n/)
    node1.agent.kill('SIGKILL')
    rmSync(join(node1.dir, 'stuck'))
    await patiently(
      () => node1.running.length === 0,
      () => 'its services run on',
    )
    await node1.agent.restart()
    expect((await demote.ends()).code).toBe(0)
    expect(existsSync(join(node1.dir, 'noop'))).toBe(false)
  })

  test('starts again instead when the switch that fences it is undone', async () => {
    await begin()
    writeFileSync(join(node1.dir, 'stuck'), '')
    await put(FLAG, 'START')
    const demote = startLocker(['init', node1.script, 'demote'], { address: node1.agent.address })
    await demote.says(/trying again until it has stopped\n/)
    await put(FLAG, 'NULL')
    expect((await demote.ends()).code).toBe(0)
    rmSync(join(node1.dir, 'stuck'))
    expect(node1.running).toEqual(BOTH)
  })
})
