import { expect, test, vi } from 'vitest'
import { Fleet } from '../kit/fleet.ts'
import { mayHaveMachines } from '../kit/fresh-machine.ts'

vi.setConfig({ testTimeout: 240_000 })

const HOSTS = ['web1', 'web2', 'web3']

test.runIf(mayHaveMachines)(
  'hosts that reboot for an upgrade keep their slots: never more are down than may be, until one stays away',
  async () => {
    const reboot = 'reboot: {always: true, command: "echo $CONSUL_LOCKER_ROLLOUT_HOST >>$DIR/reboots", within: 20s}'
    const fleet = await Fleet.open({ hosts: HOSTS, file: `limits: {cluster: 1}\n${reboot}`, reboots: true })
    await fleet.runs('V1')
    await fleet.ask('trigger', 'V2')
    fleet.start()
    await fleet.until('all run V2', () => HOSTS.every((host) => fleet.isAt(host, 'V2')))
    expect({ down: fleet.mostDown, inside: Math.max(...fleet.witnessed.map(({ count }) => count)) }).toEqual({
      down: 1,
      inside: 1,
    })
    expect(HOSTS.map((host) => fleet.begun(host))).toEqual([1, 1, 1])
    await fleet.until('nothing is left behind', async () => {
      const response = await fleet.consul.request('GET', '/kv/consul-locker-rollout/?keys')
      return ((await response.json()) as string[]).every((key) => key.startsWith('consul-locker-rollout/nodes/'))
    })

    fleet.mark('lost-web2', true)
    await fleet.ask('pause')
    await fleet.ask('resume', '--host', 'web2')
    await fleet.ask('trigger', 'V3')
    await fleet.until('web2 reboots', () => fleet.lastEnding('web2').includes('rebooting'))
    await fleet.ask('resume')
    const others = HOSTS.filter((host) => host !== 'web2')
    await fleet.until('the others stop', () =>
      others.every((host) => fleet.lastEnding(host).includes('web2 failed (it is not back from its reboot)')),
    )
    expect(others.map((host) => fleet.begun(host))).toEqual([1, 1])
    expect(await fleet.ask('forget', 'web2')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('consul-locker-rollout/slots/cluster/1'),
    })
    await fleet.until('the others go on', () => others.every((host) => fleet.isAt(host, 'V3')))
    expect(fleet.mostDown).toBe(1)
  },
)
