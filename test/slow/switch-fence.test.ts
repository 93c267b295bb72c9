import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { processesWith, runs } from '../kit/processes.ts'
import { removeFolder } from '../kit/remove-folder.ts'
import { ServiceNode } from '../kit/service-node.ts'

const BOTH = ['apache2', 'mysql']
const NAME = 'myserviceConsulName'
const KEY = `cluster/production/${NAME}`

const dir = mkdtempSync(join(tmpdir(), 'consul-locker-fence-'))
const log = join(dir, 'log')
let server: ServiceNode
let node1: ServiceNode
let node2: ServiceNode

const init = (...args: string[]) => runLocker(['init', node2.script, ...args], { address: node2.agent.address })
const fenced = () => readFileSync(log, 'utf8').split('\n').slice(0, -1)
const demotion = () => server.consul.value(`service/${NAME}/node1/demote`)

/** What a power switch does to a machine: whatever node1 runs is gone at once. */
const POWER_SWITCH = () => `kill -9 $(cat ${node1.dir}/mysql/pid) -$(cat ${node1.dir}/apache2/pid)`

async function fencesBy(script: string): Promise<void> {
  writeFileSync(join(dir, 'fence.sh'), `echo "$1 $2" >> ${log}\n${script}\n`)
}

async function isHeldFor(health: 'critical' | 'passing'): Promise<void> {
  const look = async () => {
    const reply = await server.consul.request('GET', '/health/node/node1')
    const checks = (await reply.json()) as { CheckID: string; Status: string }[]
    return checks.some(({ CheckID, Status }) => CheckID === 'serfHealth' && Status === health)
  }
  await patiently(look, () => `node1 is not ${health}`)
}

beforeAll(async () => {
  server = await ServiceNode.start({ name: 'server', server: true })
  const join = server.agent.ports.serf_lan
  const extra = [`fence_command: sh ${dir}/fence.sh {node} {datacenter}`, 'fence_timeout: 4s']
  ;[node1, node2] = await Promise.all([
    ServiceNode.start({ name: 'node1', join, watches: true, extra }),
    ServiceNode.start({ name: 'node2', join, watches: true, extra }),
  ])
})

/** node1 is cut off: its agent is gone, and its services run on. */
beforeEach(async () => {
  writeFileSync(log, '')
  await server.consul.request('DELETE', `/kv/service/${NAME}?recurse`)
  await server.consul.request('PUT', `/kv/${KEY}`, '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}')
  for (const node of [node1, node2]) await node.stopServices()
  await isHeldFor('passing')
  await node1.bootServices()
  await patiently(
    () => node1.isAtRest,
    () => 'the handler of a fence that is lifted is still at work',
  )
  node1.agent.kill('SIGKILL')
  await node1.agent.exited()
  await isHeldFor('critical')
  return async () => {
    await node1.agent.restart()
    await isHeldFor('passing')
  }
})

afterAll(async () => {
  for (const node of [node2, node1, server]) await node?.stop()
  removeFolder(dir)
})

describe('a primary that can’t be reached and still runs', () => {
  test('is fenced before another one starts', async () => {
    await fencesBy(POWER_SWITCH())
    const ended = await init('start-primary', '--force')
    expect(ended.stdout).toBe(`Starting promotion for node node2...SUCCESS
Starting demotion for node node1...SUCCESS
Demoting primary node node1...SKIPPED
Promoting secondary node node2...SUCCESS
Fencing primary node node1...SUCCESS
Switching cluster primary/secondary node roles...SUCCESS
Clearing demotion trigger for node node1...SKIPPED
Clearing promotion trigger for node node2...SUCCESS
`)
    expect(ended.code).toBe(0)
    expect(fenced()).toEqual(['node1 dc1'])
    expect([node1.running, node2.running]).toEqual([[], BOTH])
    expect(await demotion()).toBe('START')
  })

  test('is fenced as well when --dead-after has run out, and by a check with -U', async () => {
    await fencesBy(POWER_SWITCH())
    const ended = await init('start-primary', '--dead-after', '1s')
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Fencing primary node node1...SUCCESS\n') })
    expect([node1.running, node2.running]).toEqual([[], BOTH])

    await server.consul.request('PUT', `/kv/${KEY}`, '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}')
    await server.consul.request('DELETE', `/kv/service/${NAME}?recurse`)
    await node1.bootServices()
    const check = await runLocker(['check', 'service', '-f', node2.script, '-U'], { address: node2.agent.address })
    expect(JSON.parse(check.stdout)).toMatchObject({ tookOver: true, code: 0 })
    expect(fenced()).toEqual(['node1 dc1', 'node1 dc1'])
    expect([node1.running, node2.running]).toEqual([[], BOTH])
  })

  test.each([
    ['fails', 'echo "no route to the BMC"; exit 9', 'fence_command ended with 9: no route to the BMC'],
    ['hangs', 'sleep 600', 'fence_command did not end within 4s'],
  ])('stops the switch when its fence %s, until somebody has switched it off by hand', async (_, script, sentence) => {
    await fencesBy(script)
    const ended = await init('start-primary', '--force')
    expect(ended.code).toBe(1)
    expect(ended.stdout).toContain('Fencing primary node node1...FAILED\n')
    expect(ended.stderr).toContain(`node1 could not be fenced, and may still run its services: ${sentence}; undoing`)
    expect([node1.running, node2.running]).toEqual([BOTH, []])
    expect(JSON.parse(await server.consul.value(KEY))).toEqual({ active_nodes: ['node1'], standby_nodes: ['node2'] })
    node1.killServices()
    expect((await init('start-primary', '--force', '--fenced')).code).toBe(0)
    expect(fenced()).toEqual(['node1 dc1'])
    expect(node2.running).toEqual(BOTH)
  })

  test('is left as it is, and nobody told to start, when the fence_command does not exist', async () => {
    const script = join(dir, 'myservice')
    writeFileSync(
      script,
      readFileSync(node2.script, 'utf8').replace(/^fence_command: .*$/m, 'fence_command: fense {node}'),
    )
    const sentence = 'consul-locker: error: fence_command: the command "fense" was not found'
    for (const more of [['--dry-run'], []]) {
      const words = ['init', script, 'start-primary', '--force', ...more]
      const ended = await runLocker(words, { address: node2.agent.address })
      expect(ended).toMatchObject({ code: 5, stdout: '', stderr: expect.stringContaining(sentence) })
    }
    expect((await server.consul.request('GET', `/kv/service/${NAME}/node2/promote`)).status).toBe(404)
    expect([node1.running, node2.running]).toEqual([BOTH, []])
  })

  test('is fenced again by whoever goes on after a kill -9 in mid-fence, which ends the fence, too', async () => {
    await fencesBy(`sleep 600 & echo $! > ${dir}/pid; wait`)
    const first = startLocker(['init', node2.script, 'start-primary', '--force'], { address: node2.agent.address })
    await first.prints(/Fencing primary node node1/)
    await patiently(
      () => existsSync(`${dir}/pid`) && processesWith(`${dir}/fence.sh`).length > 0,
      () => 'the fence has not begun',
    )
    const child = Number(readFileSync(`${dir}/pid`, 'utf8'))
    expect(runs(child)).toBe(true)
    first.kill('SIGKILL')
    await first.ends()
    await patiently(
      () => !runs(child) && processesWith(`${dir}/fence.sh`).length === 0,
      () => 'the fence goes on without the switch',
    )
    expect([node1.running, node2.running]).toEqual([BOTH, []])
    await fencesBy(POWER_SWITCH())
    expect((await init('start-primary')).code).toBe(0)
    expect(fenced()).toEqual(['node1 dc1', 'node1 dc1'])
    expect([node1.running, node2.running]).toEqual([[], BOTH])
  })
})
