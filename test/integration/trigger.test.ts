import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Ended, LOCKER, patiently, runLocker } from '../kit/locker.ts'
import { removeFolder } from '../kit/remove-folder.ts'
import { ServiceNode } from '../kit/service-node.ts'

const BOTH = ['apache2', 'mysql']
const NAME = 'myserviceConsulName'
const KEY = `cluster/production/${NAME}`

const dir = mkdtempSync(join(tmpdir(), 'consul-locker-trigger-'))
const config = join(dir, 'powerconsul.conf')
const done = join(dir, 'done')
let node1: ServiceNode
let node2: ServiceNode

const put = (key: string, value: string) => node1.consul.request('PUT', `/kv/${key}`, value)
const drop = (prefix: string) => node1.consul.request('DELETE', `/kv/${prefix}?recurse`)
const setRoles = (active: string, standby: string) =>
  put(KEY, JSON.stringify({ active_nodes: [active], standby_nodes: [standby] }))

/** What Consul's watch of type checks gives its handler, for one check. */
const failing = (node: ServiceNode, change: Record<string, unknown> = {}) => [
  { Node: node.name, CheckID: `service:${NAME}`, Status: 'critical', Output: 'stopped', ServiceName: NAME, ...change },
]

const trigger = (node: ServiceNode, state: string, list: unknown): Promise<Ended> =>
  runLocker(['trigger', state, '--config', config], {
    address: node.agent.address,
    input: Buffer.from(JSON.stringify(list)),
  })

/** What the action has written down. */
const did = () => (existsSync(done) ? readFileSync(done, 'utf8').trim() : '')

function configure(extra: Record<string, unknown> = {}): void {
  const subVars = { '@OUT': done, WORD: join(dir, 'hello') }
  writeFileSync(config, JSON.stringify({ clusterKey: 'cluster/production', subVars, ...extra }))
}

async function isHeld(node: ServiceNode, status: string): Promise<void> {
  const look = async () => {
    const reply = await node1.consul.request('GET', `/health/checks/${NAME}`)
    const checks = (await reply.json()) as { Node: string; Status: string }[]
    return checks.some(({ Node, Status }) => Node === node.name && Status === status)
  }
  await patiently(look, () => `${node.name} is not ${status}`)
}

beforeAll(async () => {
  const watches = [{ type: 'checks', state: 'critical', args: [LOCKER, 'trigger', 'critical', '-c', `${dir}/watched`] }]
  node1 = await ServiceNode.start({
    name: 'node1',
    config: { server: true, bootstrap_expect: 1, performance: { raft_multiplier: 1 }, watches },
  })
  node2 = await ServiceNode.start({ name: 'node2', join: node1.agent.ports.serf_lan })
})

beforeEach(async () => {
  writeFileSync(join(dir, 'hello'), 'hello')
  configure()
  await setRoles('node1', 'node2')
  await node2.stopServices()
  await node1.stopServices()
  await node1.bootServices()
  await isHeld(node1, 'passing')
})

afterEach(async () => {
  for (const prefix of ['triggers/', `service/${NAME}`]) await drop(prefix)
  for (const file of [done, join(dir, 'watched')]) rmSync(file, { force: true })
})

afterAll(async () => {
  for (const node of [node2, node1]) await node?.stop()
  removeFolder(dir)
})

describe('as python-powerconsul’s watch and trigger do, trigger', () => {
  interface Row {
    readonly key: string
    readonly action?: string
    readonly node?: () => ServiceNode
    readonly state?: string
    readonly check?: Record<string, unknown>
    readonly before?: () => Promise<unknown> | unknown
    /** What is done; nothing by default. */
    readonly does?: string
  }
  const WRITE = 'cp @WORD @OUT'
  const rows: [string, Row][] = [
    ['runs the action of a primary', { key: 'primary/critical', does: 'hello' }],
    ['leaves the action of another role alone', { key: 'secondary/critical' }],
    [
      'runs the action of a standby while a primary passes',
      { key: 'secondary/critical', node: () => node2, does: 'hello' },
    ],
    [
      'runs the action of a primary on a standby when none passes',
      {
        key: 'primary/critical',
        node: () => node2,
        before: async () => {
          node1.killServices()
          await isHeld(node1, 'critical')
        },
        does: 'hello',
      },
    ],
    [
      'runs the action of a node on its own, that has no cluster key',
      { key: 'standalone/critical', before: () => drop(KEY), does: 'hello' },
    ],
    [
      'has an action of its own for a warning',
      { key: 'primary/warning', state: 'warning', check: { Status: 'warning' }, does: 'hello' },
    ],
    ['leaves the action for a warning alone when a check is critical', { key: 'primary/warning' }],
    [
      'runs a script of Bash, by its first line',
      {
        key: 'primary/critical',
        action: '#!/bin/bash\nfor i in 1 2; do\n  echo $i >> @OUT\ndone',
        does: '1\n2',
      },
    ],
    ['gives words to no shell', { key: 'primary/critical', action: 'touch @OUT;true', does: '' }],
    ['skips a service of noopTriggers', { key: 'primary/critical', before: () => configure({ noopTriggers: [NAME] }) }],
    ['leaves other nodes’ checks alone', { key: 'primary/critical', check: { Node: 'node2' } }],
    ['skips a check that is in another state', { key: 'primary/critical', check: { Status: 'passing' } }],
    [
      'believes the watch’s own state where a check tells none',
      { key: 'primary/warning', state: 'warning', check: { Status: undefined }, does: 'hello' },
    ],
  ]
  test.each(rows)('%s', async (_, row) => {
    const {
      key,
      action = WRITE,
      node = () => node1,
      state = 'critical',
      check = {},
      before = () => {},
      does = '',
    } = row
    await put(`triggers/${NAME}/${key}`, action)
    await before()
    expect(await trigger(node(), state, failing(node(), check))).toMatchObject({ code: 0, stdout: '' })
    expect(did()).toBe(does)
  })

  test('skips a check that has not run yet, and says so to DEBUG', async () => {
    await put(`triggers/${NAME}/primary/critical`, WRITE)
    const words = ['trigger', 'critical', '-c', config, '-s', JSON.stringify(failing(node1, { Output: '' }))]
    const ended = await runLocker(words, { address: node1.agent.address, env: { DEBUG: 'yes' } })
    expect(ended).toMatchObject({ code: 0, stdout: '' })
    expect(ended.stderr).toContain(`${NAME} has no trigger run by a check that has no output yet`)
    expect(did()).toBe('')
  })

  test('takes one check as an argument, and finds nothing to do where nothing stands', async () => {
    const [check] = failing(node1)
    const words = ['trigger', 'critical', '-c', config, '-s', JSON.stringify(check)]
    expect(await runLocker(words, { address: node1.agent.address })).toMatchObject({ code: 0, stderr: '' })
    await put(`triggers/${NAME}/primary/critical`, WRITE)
    expect((await runLocker(words, { address: node1.agent.address })).code).toBe(0)
    expect(did()).toBe('hello')
  })

  test('is called by Consul’s own watch, and starts what has died', async () => {
    const consul = { http_addr: node1.agent.address }
    writeFileSync(join(dir, 'watched'), JSON.stringify({ clusterKey: 'cluster/production', consul }))
    await put(`triggers/${NAME}/primary/critical`, `${LOCKER} init ${node1.script} start`)
    node1.killServices()
    await patiently(
      () => node1.running.length === BOTH.length,
      () => 'the services were not started again',
    )
  })
})

describe('other than python-powerconsul, trigger', () => {
  test('needs its file, and shows the least one', async () => {
    const ended = await runLocker(['trigger', 'critical', '-c', join(dir, 'none'), '-s', '[]'])
    expect(ended).toMatchObject({ code: 5, stdout: '' })
    expect(ended.stderr).toContain(
      `/none can't be read: no such file or directory (the least that it says is {"clusterKey": "cluster/production"})\n`,
    )
  })

  test('ends with 1 when an action fails or hangs, and says why', async () => {
    await put(`triggers/${NAME}/primary/critical`, "sh -c 'echo no disk; exit 3'")
    const failed = await trigger(node1, 'critical', failing(node1))
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the trigger of ${NAME} ended with 3: no disk`),
    })
    await put(`triggers/${NAME}/primary/critical`, 'sleep 600')
    const words = ['trigger', 'critical', '-c', config, '-s', JSON.stringify(failing(node1)), '--timeout', '0.5s']
    const late = await runLocker(words, { address: node1.agent.address })
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('did not end within 500ms') })
  })

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a switch moves the service',
      () => put(`service/${NAME}/node1/demote`, 'WAIT'),
      /a switch or a fence of it is under/,
    ],
    [
      'its node is in maintenance',
      () => node1.consul.request('PUT', '/agent/maintenance?enable=true'),
      /node1 is in maintenance/,
    ],
  ])('runs nothing while %s', async (_, incident, notice) => {
    await put(`triggers/${NAME}/primary/critical`, `touch ${done}`)
    await incident()
    const ended = await trigger(node1, 'critical', failing(node1))
    await node1.consul.request('PUT', '/agent/maintenance?enable=false')
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(notice) })
    expect(existsSync(done)).toBe(false)
  })

  test.each([
    ['oops', 'the standard input is not JSON'],
    ['[{"Node": 1}]', 'the standard input is no list of checks'],
  ])('refuses %s', async (stdin, sentence) => {
    const ended = await runLocker(['trigger', 'critical', '-c', config], {
      address: node1.agent.address,
      input: Buffer.from(stdin),
    })
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) })
    const given = await runLocker(['trigger', 'critical', '-c', config, '-s', stdin], { address: node1.agent.address })
    const elsewhere = sentence.replace('the standard input', '--service')
    expect(given).toMatchObject({ code: 2, stderr: expect.stringContaining(elsewhere) })
    expect(given.stderr).not.toContain('standard input')
  })
})
