import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import type { ServiceNode } from '../kit/service-node.ts'
import { BOTH, CLUSTER_KEY } from '../kit/service-node.ts'
import {
  flagOf,
  flags,
  healthy,
  initAt,
  node1,
  node2,
  node3,
  putAtServer,
  resetRoles,
  server,
} from '../kit/switched-nodes.ts'

const dead = (node: ServiceNode) => isHeldFor(node, 'critical')

const alive = (node: ServiceNode) => isHeldFor(node, 'passing')

/** Waits until the other agents hold a node, or the service on it, for dead or alive. */
async function isHeldFor(node: ServiceNode, health: 'critical' | 'passing', check = 'serfHealth'): Promise<void> {
  const look = async () => {
    const checks = (await (await server.consul.request('GET', `/health/node/${node.name}`)).json()) as {
      CheckID: string
      Status: string
    }[]
    return checks.some(({ CheckID, Status }) => CheckID === check && Status === health)
  }
  await patiently(look, () => `${check} of ${node.name} is not ${health}`)
}

/** As `consul maint` does; settles when all know of it. */
async function maintenance(node: ServiceNode, path: string, enable: boolean): Promise<void> {
  await node.consul.request('PUT', `${path}?enable=${enable}`)
  const look = async () => {
    const reply = await server.consul.request('GET', `/health/node/${node.name}`)
    return (await reply.text()).includes('_maintenance') === enable
  }
  await patiently(look, () => `maintenance of ${node.name} is not ${enable}`)
}

function watchOurselves(node: ServiceNode): void {
  for (const direction of ['promote', 'demote']) {
    startLocker([direction, 'myserviceConsulName', '--watch', '--', node.script, direction], {
      address: node.agent.address,
    })
  }
}

describe('two nodes, with Consul’s own watches', () => {
  test('are switched back when the new primary does not start', async () => {
    await resetRoles(['node1'], ['node2'])
    writeFileSync(join(node2.dir, 'broken'), '')
    const ended = await initAt(node2, 'start-primary')
    rmSync(join(node2.dir, 'broken'))
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('node2 reports: apache2: its start command failed with 1: apache2 is broken')
    expect(ended.stderr).toContain('the switch was undone')
    expect(JSON.parse(await server.consul.value(CLUSTER_KEY))).toEqual({
      active_nodes: ['node1'],
      standby_nodes: ['node2'],
    })
    expect([node1.running, node2.running]).toEqual([BOTH, []])
    expect(await flags()).toEqual(['NULL', 'NULL', 'NULL', 'NULL'])
  })

  test('are left with the old primary when the new one does not start and that one doesn’t start again', async () => {
    await resetRoles(['node1'], ['node2'])
    for (const node of [node1, node2]) writeFileSync(join(node.dir, 'broken'), '')
    const ended = await initAt(node2, 'start-primary')
    for (const node of [node1, node2]) rmSync(join(node.dir, 'broken'))
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(
      'node1 reports: apache2: its start command failed with 1: apache2 is broken; node1 is',
    )
    expect([node1.running, node2.running]).toEqual([[], []])
    expect(await server.consul.entry('service/myserviceConsulName/switch')).toBeUndefined()
    expect(await initAt(node1, 'start')).toMatchObject({ code: 0 })
    expect(node1.running).toEqual(BOTH)
  })

  test.each([
    'Starting promotion for node node2',
    'Demoting primary node node1',
    'Clearing promotion trigger for node node2',
  ])('go on after a kill -9 of start-primary at “%s”', async (line) => {
    await resetRoles(['node1'], ['node2'])
    const first = startLocker(['init', node2.script, 'start-primary'], { address: node2.agent.address })
    await first.prints(new RegExp(line))
    first.kill('SIGKILL')
    await first.ends()
    const second = await initAt(node2, 'start-primary')
    if (second.code !== 0) expect(second.stderr).toContain('Node is already primary/active!')
    expect([node1.running, node2.running]).toEqual([[], BOTH])
    expect(await flags()).toEqual(['NULL', 'NULL', 'NULL', 'NULL'])
  })

  test('stay switched when Consul is silent at the very end', async () => {
    await resetRoles(['node1'], ['node2'])
    const { address, hold } = await startProxy(node2.agent.address)
    const steps = ['record', 'raise', 'raise', 'swap', 'clear', 'clear', 'forget']
    const held = steps.map(() => hold(/^PUT \/v1\/txn\?dc=/)) // The lock's own, and the node's, name no datacenter.
    const last = held.pop()
    for (const { release } of held) release()
    const running = startLocker(['init', node2.script, 'start-primary', '--http-addr', address])
    await last?.arrived
    expect(await running.ends()).toMatchObject({ code: 0, stderr: expect.stringContaining('answers again') })
    expect([node1.running, node2.running]).toEqual([[], BOTH])
    expect(await server.consul.entry('service/myserviceConsulName/switch')).toBeUndefined()
  })

  test('are undone at Ctrl-C while the old primary is still stopping', async () => {
    await resetRoles(['node1'], ['node2'])
    writeFileSync(join(node1.dir, 'stuck'), '')
    const running = startLocker(['init', node2.script, 'start-primary'], { address: node2.agent.address })
    await running.prints(/Demoting primary node node1/)
    running.kill('SIGINT')
    const ended = await running.ends()
    rmSync(join(node1.dir, 'stuck'))
    expect(ended.code).toBe(130)
    expect(ended.stdout).toContain('Demoting primary node node1...FAILED\n')
    expect(ended.stderr).toContain('the switch was interrupted; undoing the switch')
    expect([node1.running, node2.running]).toEqual([BOTH, []])
  })

  test('take their lock again when it is lost, and go on', async () => {
    await resetRoles(['node1'], ['node2'])
    writeFileSync(join(node1.dir, 'stuck'), '')
    const running = startLocker(['init', node2.script, 'start-primary'], { address: node2.agent.address })
    await running.prints(/Demoting primary node node1/)
    const [session] = await server.consul.sessions('switchover/myserviceConsulName')
    await server.consul.destroySession(session?.ID ?? '')
    await running.says(/the lock of the switch was lost, and is taken again: Consul no longer knows our session/)
    rmSync(join(node1.dir, 'stuck'))
    const ended = await running.ends()
    expect([
      [0, [], BOTH],
      [1, BOTH, []],
    ]).toContainEqual([ended.code, node1.running, node2.running])
    expect(await flags()).toEqual(['NULL', 'NULL', 'NULL', 'NULL'])
  })

  test('are told of by status while they stand, with nobody running, and undone by --abort', async () => {
    await resetRoles(['node1'], ['node2'])
    const { address, hold } = await startProxy(node2.agent.address)
    const steps = ['record', 'raise', 'raise', 'swap'].map(() => hold(/^PUT \/v1\/txn\?dc=/))
    const swap = steps.pop()
    for (const { release } of steps) release()
    const running = startLocker(['init', node2.script, 'start-primary', '--http-addr', address])
    await swap?.arrived
    running.kill('SIGKILL')
    await running.ends()
    await patiently(
      async () => (await initAt(node2, 'status')).stderr.includes('the service runs nowhere now'),
      () => 'status does not say that nobody runs',
    )
    const status = await initAt(node2, 'status', '--json')
    expect(JSON.parse(status.stdout)).toMatchObject({
      notes: [
        expect.stringMatching(/^a switch that node2 began at .* is not over yet \(.*--abort undoes it\)$/),
        'the service runs nowhere now, as far as Consul tells',
      ],
    })
    expect(await initAt(node2, 'start-primary', '--abort')).toMatchObject({ code: 0 })
    expect([node1.running, node2.running]).toEqual([BOTH, []])
    expect((await initAt(node2, 'start-primary', '--abort')).stderr).toContain(
      'no switch of myserviceConsulName is under way',
    )
  })

  test('do not switch twice at once', async () => {
    await resetRoles(['node1'], ['node2'])
    const [one, other] = await Promise.all([initAt(node2, 'start-primary'), initAt(node2, 'start-primary')])
    expect([one.code, other.code].sort()).toEqual([0, 1])
    expect(`${one.stderr}${other.stderr}`).toMatch(
      /another switch of myserviceConsulName is under way: held by|already primary/,
    )
    expect([node1.running, node2.running]).toEqual([[], BOTH])
  })
})

describe('three nodes, with our own watches', () => {
  test('make several standbys primary, and the old primary a standby', async () => {
    await resetRoles(['node1'], ['node2', 'node3'])
    watchOurselves(node3)
    const ended = await initAt(node2, 'start-primary')
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain('Clearing promotion trigger for node node3...SUCCESS\n')
    expect([node1.running, node2.running, node3.running]).toEqual([[], BOTH, BOTH])
    expect(JSON.parse(await server.consul.value(CLUSTER_KEY))).toEqual({
      active_nodes: ['node2', 'node3'],
      standby_nodes: ['node1'],
    })
  })

  test('make one of several standbys primary, when that is asked for', async () => {
    await resetRoles(['node1'], ['node2', 'node3'])
    expect((await initAt(node2, 'start-primary', '--node', 'node1')).stderr).toContain(
      'no standby node of myserviceConsulName is node1, and alive',
    )
    expect(await initAt(node3, 'start-primary', '--node', 'node2', '--dry-run')).toMatchObject({
      code: 0,
      stdout: `Starting promotion for node node2
Starting demotion for node node1
Demoting primary node node1
Promoting secondary node node2
Switching cluster primary/secondary node roles
Clearing demotion trigger for node node1
Clearing promotion trigger for node node2
`,
    })
    expect([node1.running, node2.running]).toEqual([BOTH, []])
    expect(await server.consul.entry('service/myserviceConsulName/switch')).toBeUndefined()
    expect(await initAt(node3, 'start-primary', '--node', 'node2')).toMatchObject({ code: 0, stderr: '' })
    expect([node1.running, node2.running, node3.running]).toEqual([[], BOTH, []])
    expect(JSON.parse(await server.consul.value(CLUSTER_KEY))).toEqual({
      active_nodes: ['node2'],
      standby_nodes: ['node1', 'node3'],
    })
  })

  test('make nobody primary whom Consul has in maintenance, as its check and the status say', async () => {
    await resetRoles(['node1'], ['node2', 'node3'])
    await maintenance(node3, '/agent/maintenance', true)
    const check = await runLocker(['check', 'service', '-f', node3.script], { address: node3.agent.address })
    expect(JSON.parse(check.stdout)).toMatchObject({
      code: 0,
      notes: ['node3 is in maintenance: no switch makes it primary'],
    })
    const asked = await initAt(node2, 'start-primary', '--node', 'node3')
    expect(asked.stderr).toContain("node3 can't become primary: Consul has it in maintenance (consul maint -disable")
    const ended = await initAt(node2, 'start-primary')
    expect(ended).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('node3 is in maintenance and stays standby'),
    })
    expect([node1.running, node2.running, node3.running]).toEqual([[], BOTH, []])
    await healthy(node2)
    expect((await initAt(node2, 'status')).stdout).toMatch(/node3\.passing.* \(in maintenance\)/)
    await maintenance(node3, '/agent/maintenance', false)
    await maintenance(node1, '/agent/service/maintenance/myserviceConsulName', true)
    expect((await initAt(node1, 'start-primary', '--node', 'node1')).stderr).toContain("node1 can't become primary")
    await maintenance(node1, '/agent/service/maintenance/myserviceConsulName', false)
  })

  test('have their standbys rest, and never take over, while the primary is in maintenance', async () => {
    await resetRoles(['node1'], ['node2', 'node3'])
    await maintenance(node1, '/agent/maintenance', true)
    await node1.stopServices()
    await node2.bootServices() // By whatever acts on a critical check.
    const options = ['check', 'service', '-f', node2.script, '-U']
    const note = 'the primary node1 is in maintenance: nobody takes over from it'
    const running = JSON.parse((await runLocker(options, { address: node2.agent.address })).stdout)
    expect(running).toMatchObject({ role: 'standby', expects: 'stopped', state: 'running', code: 2, notes: [note] })
    expect(running).not.toHaveProperty('tookOver')
    await node2.stopServices()
    const rest = JSON.parse((await runLocker(options, { address: node2.agent.address })).stdout)
    expect(rest).toMatchObject({ expects: 'stopped', code: 0, notes: [note] })
    await maintenance(node1, '/agent/maintenance', false)
  })

  test('are switched back when one whose flags another program answers does not come up', async () => {
    await resetRoles(['node1'], ['node2', 'node3'])
    const answers = `case $CONSUL_LOCKER_FLAG-$CONSUL_LOCKER_FLAG_VALUE in *-START) exec ${LOCKER} $CONSUL_LOCKER_FLAG myserviceConsulName --set WAIT ;; esac`
    for (const direction of ['promote', 'demote']) {
      const { address } = node3.agent
      startLocker([direction, 'myserviceConsulName', '--watch', '--', 'sh', '-c', answers], { address })
    }
    const ended = await initAt(node2, 'start-primary', '--step-timeout', '12s')
    expect(ended.code).toBe(1)
    expect(ended.stdout).toContain('Clearing promotion trigger for node node3...FAILED\n')
    expect(ended.stderr).toMatch(/node3 has not started within 12s; undoing the switch/)
    expect([node1.running, node2.running, node3.running]).toEqual([BOTH, [], []])
  })

  test('leave the services alone when a watch begins, whatever NULL stands there', async () => {
    await resetRoles(['node1'], ['node2', 'node3'])
    watchOurselves(node3)
    await putAtServer(flagOf('node3', 'promote'), 'NULL')
    expect(await initAt(node3, 'promote')).toMatchObject({ code: 0, stdout: '' })
    expect(node3.running).toEqual([])
  })
})

describe('a node that missed how its promotion ended', () => {
  /** The last steps of a switch, by somebody who didn't look whether the node saw them. */
  async function promote(node: ServiceNode): Promise<void> {
    await node1.stopServices()
    await putAtServer(CLUSTER_KEY, JSON.stringify({ active_nodes: [node.name], standby_nodes: ['node1'] }))
    await putAtServer(flagOf(node.name, 'promote'), 'NULL')
  }

  async function prepared(node: ServiceNode): Promise<void> {
    await putAtServer(flagOf(node.name, 'promote'), 'START')
    await patiently(
      async () => (await server.consul.value(flagOf(node.name, 'promote'))) === 'WAIT',
      () => `${node.name} does not answer`,
    )
    expect(node.running).toEqual([])
  }

  const starts = (node: ServiceNode) =>
    patiently(
      () => node.running.length === 2,
      () => `${node.name} does not start its services`,
    )

  test('starts its services once our watch is back', async () => {
    await resetRoles(['node1'], ['node3'])
    const watch = () =>
      startLocker(['promote', 'myserviceConsulName', '--watch', '--', node3.script, 'promote'], {
        address: node3.agent.address,
      })
    const first = watch()
    await prepared(node3)
    first.kill('SIGKILL')
    await first.ends()
    await promote(node3)
    watch()
    await starts(node3)
  })

  test('starts its services once its agent is back, whose own watches call the script', async () => {
    await resetRoles(['node1'], ['node2'])
    await prepared(node2)
    node2.agent.kill('SIGKILL')
    await promote(node2)
    expect(node2.running).toEqual([])
    await node2.agent.restart()
    await starts(node2)
    await alive(node2)
  })
})

describe('a primary that dies while it is waited for', () => {
  test('has the switch undone, which leaves nothing in the way of one by force', async () => {
    await resetRoles(['node1'], ['node2'])
    writeFileSync(join(node1.dir, 'stuck'), '')
    const running = startLocker(['init', node2.script, 'start-primary'], { address: node2.agent.address })
    await running.prints(/Demoting primary node node1/)
    node1.powerOff()
    const ended = await running.ends()
    rmSync(join(node1.dir, 'stuck'))
    expect(ended.code).toBe(1)
    expect(ended.stdout).toContain('Demoting primary node node1...FAILED\n')
    expect(ended.stderr).toMatch(/node1 can't be demoted: Consul holds it for dead; undoing the switch \(--force/)
    expect(ended.stderr).toContain('node1 is dead; node1 is primary again, but its services are not known to run')
    expect(await server.consul.entry('service/myserviceConsulName/switch')).toBeUndefined()
    expect(await initAt(node2, 'start-primary', '--force')).toMatchObject({ code: 0 })
    expect(node2.running).toEqual(BOTH)
    await node1.agent.restart()
    await alive(node1)
  })
})

describe('a primary that has died', () => {
  test('is waited for as long as --dead-after says', async () => {
    await resetRoles(['node1'], ['node2'])
    node1.powerOff()
    await dead(node1)
    const ended = await initAt(node2, 'start-primary', '--dead-after', '1s')
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain('Demoting primary node node1...SKIPPED\n')
    expect(node2.running).toEqual(BOTH)
    await node1.agent.restart()
    await alive(node1)
  })

  test('is left out so as well when its agent lives, but the service on it is dead', async () => {
    await resetRoles(['node3'], ['node2'])
    node3.killServices()
    await isHeldFor(node3, 'critical', 'service:myserviceConsulName')
    const ended = await initAt(node2, 'start-primary', '--dead-after', '1s')
    expect(ended.stdout).toContain('Demoting primary node node3...SKIPPED\n')
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('node3 was left out') })
    expect(node2.running).toEqual(BOTH)
    expect(await server.consul.value(flagOf('node3', 'demote'))).toBe('START')
  })

  test('is refused without --force, left out with it, and stops its services when it comes back', async () => {
    await resetRoles(['node1'], ['node2'])
    node1.powerOff()
    await dead(node1)
    const refused = await initAt(node2, 'start-primary')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/node1 can't be demoted: Consul holds it for dead \(--force/)
    const forced = await initAt(node2, 'start-primary', '--force')
    expect(forced.stdout).toContain('Demoting primary node node1...SKIPPED\n')
    expect(forced.stderr).toContain('node1 was left out: its demotion stays raised')
    expect(forced.code).toBe(0)
    expect(node2.running).toEqual(BOTH)
    expect(await server.consul.value(flagOf('node1', 'demote'))).toBe('START')

    await node1.bootServices() // Whatever starts services at boot doesn't ask Consul.
    expect(node1.running).toEqual(BOTH)
    await node1.agent.restart()
    await patiently(
      () => node1.running.length === 0,
      () => 'node1 has not stopped its services',
    )
    await patiently(
      async () => (await server.consul.value(flagOf('node1', 'demote'))) === 'NULL',
      () => 'its fence stands',
    )
    expect((await initAt(node1, 'start')).stderr).toContain('Cannot manually start service on a standby node!')
    expect(node2.running).toEqual(BOTH)
  })
})
