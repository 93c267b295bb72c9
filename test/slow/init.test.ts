import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { execute } from '../../scripts/provide/execute.ts'
import { active, init, node1, roles, server, standby, variant } from '../kit/init-node.ts'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { BOTH, CLUSTER_KEY, ServiceNode } from '../kit/service-node.ts'
import { scratch } from '../kit/unique.ts'

describe('an init script on a primary node', () => {
  test('holds the lockfile while it restarts, with an expiry inside', async () => {
    await active()
    await init('start')
    writeFileSync(join(node1.dir, 'stuck'), '')
    const restart = startLocker(['init', node1.script, 'restart'], { address: node1.agent.address })
    await restart.prints(/mysql: stopping/)
    const noop = JSON.parse(readFileSync(join(node1.dir, 'noop'), 'utf8'))
    expect(noop).toMatchObject({ reason: 'restart' })
    expect(Date.parse(noop.expires)).toBeGreaterThan(Date.now())
    node1.killServices()
    const check = await runLocker(['check', 'service', '-f', node1.script], { address: node1.agent.address })
    expect(check.code).toBe(0)
    expect(JSON.parse(check.stdout)).toMatchObject({ expects: 'running', state: 'stopped', code: 0, noop: true })
    restart.kill('SIGTERM')
    expect((await restart.ends()).code).toBe(143)
    rmSync(join(node1.dir, 'stuck'))
    rmSync(join(node1.dir, 'noop'), { force: true })
    const after = await runLocker(['check', 'service', '-f', node1.script], { address: node1.agent.address })
    expect(after.code).toBe(2)
  })

  test('looks after a stop until stop_timeout, for the command may only ask for the end', async () => {
    await active()
    await init('start')
    const late = join(scratch(), 'late.sh')
    writeFileSync(
      late,
      `[ $2 = stop ] && { (sleep 1; sh ${node1.dir}/services.sh $1 stop) > /dev/null 2>&1 & exit 0; }
exec sh ${node1.dir}/services.sh $1 $2\n`,
    )
    const text = readFileSync(node1.script, 'utf8').replace(
      /service_command: .*/,
      `service_command: sh ${late} {service} {action}`,
    )
    writeFileSync(join(node1.dir, 'late'), text)
    const ended = await runLocker(['init', join(node1.dir, 'late'), 'restart'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(node1.running).toEqual(BOTH)
  })
})

describe('what an operator is told', () => {
  test('a node that passes only by its noop lockfile is shown so by status', async () => {
    await active()
    // A watch of a test before may start them yet.
    await patiently(
      () => node1.isAtRest,
      () => 'its watches are still at work',
    )
    await node1.stopServices()
    const says = (line: string) =>
      patiently(
        async () => (await init('status')).stdout.includes(`nodes.active: node1.${line}`),
        () => `status does not say ${line}`,
      )
    // From passing to passing, Consul's agent keeps a check's new words to itself for five minutes.
    await says('critical')
    writeFileSync(join(node1.dir, 'noop'), '{}')
    await says('passing only by its noop lockfile')
    rmSync(join(node1.dir, 'noop'))
  })

  test('services that may take longer to start than a step are warned of', async () => {
    await standby()
    const file = variant('start_timeout: 50s', 'step_timeout: 60s')
    const ended = await runLocker(['init', file, 'start-primary', '--dry-run'], { address: node1.agent.address })
    expect(ended.stderr).toContain('2 services may take 1m40s to start (start_timeout), a step only 1m')
  })

  test('a service’s words neither move the cursor nor fill the screen', async () => {
    await active()
    const noise = "printf '\\033[2Jgone\\007 '; head -c 3000000 /dev/zero | tr '\\0' x; exit 3"
    const file = join(scratch(), 'noisy')
    writeFileSync(join(file, '..', 'noise.sh'), noise)
    const command = `sh ${join(file, '..', 'noise.sh')} {service} {action}`
    const text = readFileSync(node1.script, 'utf8').replace(/^service_command: .*$/m, `service_command: ${command}`)
    writeFileSync(file, text)
    const { stdout } = await runLocker(['init', file, 'status'], { address: node1.agent.address })
    expect(stdout).not.toMatch(/[^\n\x20-\x7e]/)
    expect(stdout.length).toBeLessThan(20_000)
  })
})

describe('an agent that is another machine’s', () => {
  let stranger: ServiceNode
  /** Loopback in other words, so that neither how it is asked nor what it advertises says that it is ours. */
  const away = () => ['--http-addr', `http://[::ffff:127.0.0.1]:${stranger.agent.ports.http}`]

  beforeAll(async () => {
    const join = server.agent.ports.serf_lan
    stranger = await ServiceNode.start({ name: 'stranger', join, config: { advertise_addr: '198.51.100.7' } })
    await roles('{"active_nodes": ["stranger"], "standby_nodes": ["node1"]}')
    await node1.stopServices()
  })
  afterAll(() => stranger?.stop())

  test.each([
    ['start', 1],
    ['stop', 1],
    ['restart', 1],
    ['demote', 1],
    ['start-primary', 1],
  ])('is refused for %s, whatever its role is', async (action, code) => {
    const ended = await init(action, ...away())
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toMatch(
      /the agent at \S+ is that of stranger, and not this machine's \(name this machine's own/,
    )
    expect(node1.running).toEqual([])
  })

  test('is refused by a check, which is critical then', async () => {
    const ended = await runLocker(['check', 'service', '-f', node1.script, ...away()])
    expect(ended.code).toBe(2)
    expect(JSON.parse(ended.stdout).error).toContain("is that of stranger, and not this machine's")
  })
})

describe('bad input', () => {
  test.each([
    ['no file', ['init'], 2, 'no init script was named'],
    ['an action alone', ['init', 'status'], 2, 'no init script was named (consul-locker init -f FILE status)'],
    [
      'no action',
      ['init', 'FILE'],
      2,
      'no action was given (the actions are start, stop, restart, force-reload, status, start-primary, promote, demote)',
    ],
    [
      'an unknown action',
      ['init', '-f', 'FILE', 'reload'],
      2,
      'there is no action "reload" (the actions are start, stop, restart, force-reload, status, start-primary, promote, demote)\n',
    ],
    ['a word too many', ['init', 'FILE', 'start', 'now'], 2, '"now" behind the action is one word too many'],
    [
      'a file that isn’t there',
      ['init', '-f', '/no/such/script', 'start'],
      6,
      "the init script /no/such/script can't be read",
    ],
    [
      'a patience that no step has',
      ['init', 'FILE', 'start-primary', '--dead-after', '2m'],
      2,
      '--dead-after 2m never ends: a step may take 2m (give a longer --step-timeout as well)',
    ],
    ...(
      [
        ['start', '--step-timeout=2m'],
        ['stop', '--dry-run'],
        ['restart', '--force'],
        ['force-reload', '--fenced'],
        ['status', '--node=node1'],
        ['promote', '--dry-run'],
        ['demote', '--abort'],
        ['start-primary', '--json'],
      ] as const
    ).map(([action, option]) => [
      `${action} with ${option}`,
      ['init', 'FILE', action, option],
      2,
      `${action} takes no ${option.replace(/=.*/, '')}\n`,
    ]),
    ['no check', ['check'], 2, 'check what? (the checks are service, servicegroup, process, crontab)'],
  ] as [string, string[], number, string][])('%s', async (_, args, code, sentence) => {
    const ended = await runLocker(args.map((arg) => (arg === 'FILE' ? node1.script : arg)))
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toContain(`consul-locker: error: ${sentence}`)
    expect(ended.stderr.split('\n')).toHaveLength(2)
  })

  const HINT = `(consul kv put ${CLUSTER_KEY} '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}')`
  test.each([
    ['isn’t there', undefined, `there is no cluster key ${CLUSTER_KEY} in the datacenter dc1 ${HINT}`],
    [
      'isn’t JSON',
      '{',
      new RegExp(`^consul-locker: error: the cluster key ${CLUSTER_KEY} is not JSON: .* \\(consul kv put .*\\)\n$`),
    ],
    ['lacks a list', '{"standby_nodes": ["node1"]}', `the cluster key ${CLUSTER_KEY} has no active_nodes ${HINT}`],
    [
      'has lists that overlap',
      '{"active_nodes": ["node1"], "standby_nodes": ["node1"]}',
      `the cluster key ${CLUSTER_KEY} has node1 among both active_nodes and standby_nodes ${HINT}`,
    ],
    [
      'doesn’t name this node',
      '{"active_nodes": ["a"], "standby_nodes": ["b"]}',
      `node1 is neither active nor standby at ${CLUSTER_KEY} (a node goes by its Consul name; consul members lists them)`,
    ],
    [
      'is locked by another tool',
      '{"active_nodes": ["a"], "standby_nodes": ["node1"], "lock": true}',
      new RegExp(
        `^consul-locker: error: python-powerconsul has locked ${CLUSTER_KEY}: a switch of its own is under way \\(.*\\)\n$`,
      ),
    ],
  ])('a cluster key that %s', async (_, text, sentence) => {
    if (text === undefined) await server.consul.deleteKey(CLUSTER_KEY)
    else await roles(text)
    const ended = await init('start-primary')
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    if (typeof sentence === 'string') expect(ended.stderr).toBe(`consul-locker: error: ${sentence}\n`)
    else expect(ended.stderr).toMatch(sentence)
  })

  test('an agent of the environment: the script’s own is asked', async () => {
    await active()
    const other = { env: { CONSUL_HTTP_ADDR: 'http://127.0.0.1:1' } }
    expect(await runLocker(['init', node1.script, 'start'], other)).toMatchObject({ code: 0, stderr: '' })
    const check = await runLocker(['check', 'service', '-f', node1.script], other)
    expect(JSON.parse(check.stdout)).toMatchObject({ role: 'active', code: 0 })
  })

  test('no Consul at the start: it is waited for, for so long as --consul-timeout says', async () => {
    await active()
    const start = ['init', node1.script, 'start', '--http-addr', 'http://127.0.0.1:1', '--consul-timeout', '1s']
    const ended = await runLocker(start)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/can't be reached.*; trying again, for 1s at most\n.*error: /)
    node1.agent.kill('SIGKILL')
    await node1.stopServices()
    const waiting = startLocker(['init', node1.script, 'start'])
    await waiting.says(/trying again/)
    await node1.agent.restart()
    expect((await waiting.ends()).code).toBe(0)
    expect(node1.running).toEqual(BOTH)
  })

  test('a key of the script that is wrong, with its line', async () => {
    const script = variant('local_service: [a]')
    const ended = await runLocker(['init', script, 'start'], { address: node1.agent.address })
    expect(ended).toMatchObject({ code: 6, stdout: '' })
    expect(ended.stderr).toMatch(/myservice:\d+: there is no key local_service \(the keys are name, consul_service,/)
  })

  test('a key of the script that is missing', async () => {
    const script = join(scratch(), 'web')
    writeFileSync(script, 'name: web\ncluster_key: c\n')
    const ended = await runLocker(['init', '-f', script, 'start'])
    expect(ended).toMatchObject({ code: 6, stdout: '' })
    expect(ended.stderr).toBe(
      `consul-locker: error: ${script}:1: the key consul_service is missing (the keys are name, consul_service, cluster_key, service_filter, local_services, noop_lockfile, noop_expires, service_command, start_timeout, stop_timeout, step_timeout, fence_command, fence_timeout, consul)\n`,
    )
  })

  test('no Consul: the local services are told of all the same', async () => {
    await active()
    const ended = await runLocker(['init', node1.script, 'status', '--http-addr', 'http://127.0.0.1:1'])
    expect(ended.code).toBe(4)
    expect(ended.stdout).toContain('    nodes.active: unknown\n')
    expect(ended.stdout).toContain('service.apache2: ')
    expect(ended.stderr).toMatch(/the cluster's state can't be told: Consul at .* can't be reached/)
  })

  test.runIf(process.getuid?.() === 0)('no root, where the system’s own service command needs it', async () => {
    const dir = scratch()
    chmodSync(dir, 0o755)
    const locker = join(dir, 'consul-locker')
    copyFileSync(LOCKER, locker)
    chmodSync(locker, 0o755)
    const script = join(dir, 'web')
    writeFileSync(script, 'name: web\nconsul_service: web\ncluster_key: c\n')
    const asNobody = (...words: string[]) =>
      execute('setpriv', ['--reuid', '65534', '--clear-groups', locker, 'init', script, ...words])
    // It only looks.
    const look = ['start-primary', '--dry-run', '--http-addr', '127.0.0.1:1', '--consul-timeout', '1ms']
    await expect(asNobody(...look)).rejects.toThrow(/can't be reached/)
    await expect(asNobody('start')).rejects.toThrow(
      /failed \(4\): consul-locker: error: start takes the system's own service command, which only root may use \(run it as root, or give the script a service_command that works for this user\)$/,
    )
  })
})
