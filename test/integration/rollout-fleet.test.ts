import { expect, onTestFinished, test, vi } from 'vitest'
import { startConsul } from '../../scripts/agent.ts'
import { Fleet } from '../kit/fleet.ts'
import { runLocker } from '../kit/locker.ts'

vi.setConfig({ testTimeout: 240_000 })

const HOSTS = ['db1', 'db2', ...Array.from({ length: 8 }, (_, n) => `web${n + 1}`), 'cp1', 'cp2']

test('twelve hosts: never more than two at once, two killed midway, one that fails stops all until it is mended', async () => {
  const agent = await startConsul({ mode: 'dev' })
  onTestFinished(() => agent.stop())
  const fleet = new Fleet(agent.address, {
    hosts: HOSTS,
    file: 'limits: {cluster: 2, roles: {db: 1}}\ndepends_on: {web: db, db: [cp]}\ntimeouts: {slot: 3s}',
  })
  await fleet.runs('V1')
  for (const host of ['cp1', 'cp2']) fleet.mark(`hang-${host}`, true)
  fleet.mark('broken-db2', true)
  await runLocker(['rollout', 'trigger', 'V2'], { address: agent.address })
  fleet.start()

  for (const host of ['cp1', 'cp2']) {
    await fleet.until(`${host} begins`, () => fleet.begun(host) === 1)
    expect(fleet.isAt(host, 'V2')).toBe(false)
    fleet.mark(`hang-${host}`, false)
    fleet.kill(host)
    await fleet.until(`${host} begins again`, () => fleet.begun(host) === 2)
  }

  const failed = () => fleet.consul.entry('consul-locker-rollout/failed/db2')
  await fleet.until('db2 fails', async () => (await failed()) !== undefined)
  const stopped = HOSTS.filter((host) => host.startsWith('web'))
  const sentence = 'the rollout of V2 has stopped: db2 failed (installed failed with 1: the disk is full)'
  await fleet.until('all others stop', () => stopped.every((host) => fleet.lastEnding(host).includes(sentence)))
  const failures = await runLocker(['rollout', 'failures', '--hosts'], { address: agent.address })
  expect(failures).toMatchObject({ code: 1, stdout: expect.stringContaining('Node: db2, Rollout of V2: installed') })
  const tries = fleet.begun('db2')
  await fleet.until('db2 tries again', () => fleet.begun('db2') > tries)
  expect(fleet.witnessed.filter(({ host }) => stopped.includes(host))).toEqual([])

  fleet.mark('broken-db2', false)
  await fleet.until('all run V2', () => HOSTS.every((host) => fleet.isAt(host, 'V2')))
  await fleet.until('it is recorded', async () => {
    const single = await runLocker(['rollout', 'check-single', 'V2'], { address: agent.address })
    return single.code === 0
  })
  const input = Buffer.from(HOSTS.join('\n'))
  expect(await runLocker(['rollout', 'verify', 'V2'], { address: agent.address, input })).toMatchObject({ code: 0 })
  expect(await runLocker(['rollout', 'failures'], { address: agent.address })).toMatchObject({ code: 0 })
  const counts = fleet.witnessed.map(({ count }) => count)
  expect(Math.max(...counts)).toBe(2)
  expect(fleet.witnessed.every(({ host, count }) => Number.isInteger(count) && HOSTS.includes(host))).toBe(true)
  const order = fleet.witnessed.map(({ host }) => host.replace(/\d/, ''))
  expect(order.lastIndexOf('cp')).toBeLessThan(order.indexOf('db'))
  expect(order.lastIndexOf('db')).toBeLessThan(order.indexOf('web'))
})

test('a version that kills its host kills one: a dead host stops the rollout, and nothing but people lets it go on', async () => {
  const agent = await startConsul({ mode: 'dev' })
  onTestFinished(() => agent.stop())
  const { address } = agent
  const fleet = new Fleet(address, { hosts: ['web1', 'web2', 'web3', 'web4', 'web5'], file: 'limits: {cluster: 1}' })
  await fleet.runs('V1')
  fleet.mark('lethal-V2', true)
  await runLocker(['rollout', 'trigger', 'V2'], { address })
  fleet.start()

  await fleet.until('one begins', () => fleet.dying.length === 1)
  const [dead = ''] = fleet.dying
  await fleet.powerOff(dead)
  expect(await runLocker(['rollout', 'forget', dead], { address })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${dead} is at work, or died so lately`),
  })
  await fleet.expire(dead)
  const others = fleet.hosts.filter((host) => host !== dead)
  const stopped = `the rollout of V2 has stopped: ${dead} failed (its upgrade began`
  await fleet.until('all others stop', () => others.every((host) => fleet.lastEnding(host).includes(stopped)))
  const failures = await runLocker(['rollout', 'failures', '--hosts'], { address })
  expect(failures).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`Node: ${dead}, Rollout of V2: its upgrade`),
  })

  await runLocker(['rollout', 'trigger', 'V3'], { address })
  await fleet.until('another version passes it by', () => others.every((host) => fleet.isAt(host, 'V3')))
  fleet.mark('lethal-V2', false)
  await runLocker(['rollout', 'trigger', 'V2'], { address })
  await fleet.until('all others stop again', () => others.every((host) => fleet.lastEnding(host).includes(stopped)))
  expect(await runLocker(['rollout', 'forget', dead], { address })).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`consul-locker-rollout/in-progress/${dead}`),
  })
  await fleet.until('the others go on', () => others.every((host) => fleet.isAt(host, 'V2')))
  expect(await runLocker(['rollout', 'forget', dead], { address })).toMatchObject({ code: 1 })

  fleet.powerOn(dead)
  await fleet.until('it comes back and finishes', () => fleet.isAt(dead, 'V2'))
  await fleet.until('nothing has failed', async () => {
    return (await runLocker(['rollout', 'failures'], { address })).code === 0
  })
  expect(Math.max(...fleet.witnessed.map(({ count }) => count))).toBe(1)
})

test('the way back is open: neither a host that stayed as it was nor the dead one stops it; by force nothing does', async () => {
  const agent = await startConsul({ mode: 'dev' })
  onTestFinished(() => agent.stop())
  const { address } = agent
  const fleet = new Fleet(address, { hosts: ['web1', 'web2', 'web3', 'web4'], file: 'limits: {cluster: 1}' })
  const ail = (Node: string) =>
    fleet.consul.request(
      'PUT',
      '/catalog/register',
      JSON.stringify({
        Node,
        Address: '127.0.0.1',
        Check: { Node, CheckID: 'http', Name: 'http', Status: 'critical' },
      }),
    )
  await fleet.runs('V1')
  await runLocker(['rollout', 'pause', '--host', 'web4'], { address })
  await runLocker(['rollout', 'pause', '--host', 'web3'], { address })
  await runLocker(['rollout', 'trigger', 'V2'], { address })
  fleet.start()
  await fleet.until('two run V2', () => ['web1', 'web2'].every((host) => fleet.isAt(host, 'V2')))
  fleet.mark('lethal-V2', true)
  await runLocker(['rollout', 'resume', '--host', 'web3'], { address })
  await fleet.until('web3 begins', () => fleet.dying.includes('web3'))
  await fleet.powerOff('web3')
  await fleet.expire('web3')
  for (const host of ['web3', 'web4']) await ail(host)

  await runLocker(['rollout', 'trigger', 'V1'], { address })
  await fleet.until('both are back', () => ['web1', 'web2'].every((host) => fleet.isAt(host, 'V1')))
  await runLocker(['rollout', 'pause', '--host', 'web2'], { address })
  fleet.mark('lethal-V2', false)
  fleet.mark('broken-web1', true)
  await runLocker(['rollout', 'trigger', 'V3'], { address })
  await fleet.until(
    'web1 fails',
    async () => (await fleet.consul.entry('consul-locker-rollout/failed/web1')) !== undefined,
  )
  for (const host of ['web2', 'web4']) await runLocker(['rollout', 'resume', '--host', host], { address })
  await fleet.until('web2 stops', () => /has stopped: web1 failed/.test(fleet.lastEnding('web2')))
  await runLocker(['rollout', 'trigger', '--force', 'V3'], { address })
  await fleet.until('the others go on', () => ['web2', 'web4'].every((host) => fleet.isAt(host, 'V3')))
})
