import { expect, test, vi } from 'vitest'
import { Fleet } from '../kit/fleet.ts'
import { runLocker } from '../kit/locker.ts'

vi.setConfig({ testTimeout: 240_000 })

const HOSTS = ['db1', 'db2', ...Array.from({ length: 8 }, (_, n) => `web${n + 1}`), 'cp1', 'cp2']

test('twelve hosts: never more than two at once, two killed midway, one that fails stops all until it is mended', async () => {
  const fleet = await Fleet.open({
    hosts: HOSTS,
    file: 'limits: {cluster: 2, roles: {db: 1}}\ndepends_on: {web: db, db: [cp]}\ntimeouts: {slot: 3s}',
  })
  await fleet.runs('V1')
  for (const host of ['cp1', 'cp2']) fleet.mark(`hang-${host}`, true)
  fleet.mark('broken-db2', true)
  await fleet.ask('trigger', 'V2')
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
  const failures = await fleet.ask('failures', '--hosts')
  expect(failures).toMatchObject({ code: 1, stdout: expect.stringContaining('Node: db2, Rollout of V2: installed') })
  const tries = fleet.begun('db2')
  await fleet.until('db2 tries again', () => fleet.begun('db2') > tries)
  expect(fleet.witnessed.filter(({ host }) => stopped.includes(host))).toEqual([])

  fleet.mark('broken-db2', false)
  await fleet.until('all run V2', () => HOSTS.every((host) => fleet.isAt(host, 'V2')))
  await fleet.until('it is recorded', async () => {
    const single = await fleet.ask('check-single', 'V2')
    return single.code === 0
  })
  const input = Buffer.from(HOSTS.join('\n'))
  expect(await runLocker(['rollout', 'verify', 'V2'], { address: fleet.consul.address, input })).toMatchObject({
    code: 0,
  })
  expect(await fleet.ask('failures')).toMatchObject({ code: 0 })
  const counts = fleet.witnessed.map(({ count }) => count)
  expect(Math.max(...counts)).toBe(2)
  expect(fleet.witnessed.every(({ host, count }) => Number.isInteger(count) && HOSTS.includes(host))).toBe(true)
  const order = fleet.witnessed.map(({ host }) => host.replace(/\d/, ''))
  expect(order.lastIndexOf('cp')).toBeLessThan(order.indexOf('db'))
  expect(order.lastIndexOf('db')).toBeLessThan(order.indexOf('web'))
})

test('a version that kills its host kills one: a dead host stops the rollout, and nothing but people lets it go on', async () => {
  const fleet = await Fleet.open({ hosts: ['web1', 'web2', 'web3', 'web4', 'web5'], file: 'limits: {cluster: 1}' })
  const { dead, others, stopped } = await fleet.meetsLethalVersion(async (dead) => {
    expect(await fleet.ask('forget', dead)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${dead} is at work, or died so lately`),
    })
    await fleet.expire(dead)
  })
  const failures = await fleet.ask('failures', '--hosts')
  expect(failures).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`Node: ${dead}, Rollout of V2: its upgrade`),
  })

  await fleet.ask('trigger', 'V3')
  await fleet.until('another version passes it by', () => others.every((host) => fleet.isAt(host, 'V3')))
  fleet.mark('lethal-V2', false)
  await fleet.ask('trigger', 'V2')
  await fleet.until('all others stop again', () => others.every((host) => fleet.lastEnding(host).includes(stopped)))
  expect(await fleet.ask('forget', dead)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`consul-locker-rollout/in-progress/${dead}`),
  })
  await fleet.until('the others go on', () => others.every((host) => fleet.isAt(host, 'V2')))
  expect(await fleet.ask('forget', dead)).toMatchObject({ code: 1 })

  fleet.powerOn(dead)
  await fleet.until('it comes back and finishes', () => fleet.isAt(dead, 'V2'))
  await fleet.until('nothing has failed', async () => {
    return (await fleet.ask('failures')).code === 0
  })
  expect(Math.max(...fleet.witnessed.map(({ count }) => count))).toBe(1)
})

test('the way back is open: neither a host that stayed as it was nor the dead one stops it; by force nothing does', async () => {
  const fleet = await Fleet.open({ hosts: ['web1', 'web2', 'web3', 'web4'], file: 'limits: {cluster: 1}' })
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
  await fleet.ask('pause', '--host', 'web4')
  await fleet.ask('pause', '--host', 'web3')
  await fleet.ask('trigger', 'V2')
  fleet.start()
  await fleet.until('two run V2', () => ['web1', 'web2'].every((host) => fleet.isAt(host, 'V2')))
  fleet.mark('lethal-V2', true)
  await fleet.ask('resume', '--host', 'web3')
  await fleet.until('web3 begins', () => fleet.dying.includes('web3'))
  await fleet.powerOff('web3')
  await fleet.expire('web3')
  for (const host of ['web3', 'web4']) await ail(host)

  await fleet.ask('trigger', 'V1')
  await fleet.until('both are back', () => ['web1', 'web2'].every((host) => fleet.isAt(host, 'V1')))
  await fleet.ask('pause', '--host', 'web2')
  fleet.mark('lethal-V2', false)
  fleet.mark('broken-web1', true)
  await fleet.ask('trigger', 'V3')
  // Its validation of V1 may fail before it knows of V3, and that stops nobody.
  const failed = () => fleet.consul.value('consul-locker-rollout/failed/web1')
  await fleet.until('web1 fails', async () => JSON.parse((await failed()) || '{}').version === 'V3')
  for (const host of ['web2', 'web4']) await fleet.ask('resume', '--host', host)
  await fleet.until('web2 stops', () => /has stopped: web1 failed/.test(fleet.lastEnding('web2')))
  await fleet.ask('trigger', '--force', 'V3')
  await fleet.until('the others go on', () => ['web2', 'web4'].every((host) => fleet.isAt(host, 'V3')))
})
