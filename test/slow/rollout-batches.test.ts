import { expect, test, vi } from 'vitest'
import { Fleet } from '../kit/fleet.ts'
import { Terminal } from '../kit/terminal.ts'

vi.setConfig({ testTimeout: 240_000 })

const HOSTS = ['web1', 'web2', 'web3', 'web4', 'web5']
const OTHERS = ['web1', 'web2', 'web4', 'web5']
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** A window that is shut for two days or more, wherever the clock stands. */
function shutWindow(): string {
  return `${DAYS[(new Date().getUTCDay() + 3) % 7]} 09:00-16:00`
}

interface Status {
  readonly hosts: readonly { host: string; state: string; waitsFor?: string; why?: string }[]
}

test('a fleet goes in its window only, the canary first, then batches with a time to watch each; so many may fail', async () => {
  const batches = 'limits: {cluster: 40%}\nfirst: web3\nmax_failures: 1'
  const fleet = await Fleet.open({ hosts: HOSTS, file: `${batches}\nwindow: ${shutWindow()}` })
  const status = async (...words: string[]) => fleet.ask('status', ...words, '-f', fleet.fileOf('web1'))
  const waits = async () => {
    const { hosts } = JSON.parse((await status('--json')).stdout) as Status
    return hosts.map(({ host, state, waitsFor }) => `${host} ${state === 'waiting' ? waitsFor : state}`)
  }
  await fleet.runs('V1')
  await fleet.ask('trigger', 'V2')
  fleet.start()
  await fleet.until('all wait for their window', () =>
    HOSTS.every((host) => /waiting for its window: \w{3} 09:00-16:00 UTC \(opens /.test(fleet.lastEnding(host))),
  )
  expect(await waits()).toEqual(HOSTS.map((host) => `${host} window`))
  expect((await status('--prometheus')).stdout).toContain('_waiting{role="web",for="window"} 5')
  expect(fleet.witnessed).toEqual([])

  fleet.mark('hang-web3', true)
  fleet.configure(`${batches}\nsoak: 1h\nwindow: 00:00-24:00`)
  await fleet.until('the canary begins', () => fleet.begun('web3') === 1)
  await fleet.until('the others wait for it', async () => {
    return (await waits()).join() === 'web1 first,web2 first,web3 upgrading,web4 first,web5 first'
  })
  const terminal = await Terminal.open({ address: fleet.consul.address })
  await terminal.enter(`"$L" rollout status --watch -f ${fleet.fileOf('web1')}`)
  await terminal.shows(/\[-{50}\] 0%/)
  await terminal.shows(/slots {6}1 of 2 taken/)
  await terminal.press('C-c')
  fleet.mark('hang-web3', false)
  fleet.kill('web3')
  await fleet.until('the canary runs it', () => fleet.isAt('web3', 'V2'))
  await fleet.until('the others watch it', () =>
    OTHERS.every((host) => /web3 has just been upgraded, and is watched until /.test(fleet.lastEnding(host))),
  )
  expect(await waits()).toEqual(HOSTS.map((host) => (host === 'web3' ? 'web3 done' : `${host} soak`)))

  fleet.mark('broken-web4', true)
  fleet.configure(`${batches}\nsoak: 3s`)
  const well = HOSTS.filter((host) => host !== 'web4')
  await fleet.until('all others run it, though one fails', () => well.every((host) => fleet.isAt(host, 'V2')))
  await fleet.until('it has failed', async () => (await waits()).includes('web4 failed'))
  const counts = fleet.witnessed.map(({ count }) => count)
  expect(Math.max(...counts)).toBeLessThanOrEqual(2)
  expect(fleet.witnessed[0]?.host).toBe('web3')

  fleet.configure('first: web4\nlimits: {cluster: 2}')
  await fleet.ask('trigger', 'V3')
  await fleet.until('who has failed stops the others now', () =>
    well.some((host) => /has stopped: web4 failed/.test(fleet.lastEnding(host))),
  )
  fleet.configure(`window: ${shutWindow()}\nfirst: nobody9\nsoak: 1h`)
  await fleet.ask('trigger', '--force', 'V3')
  await fleet.until('force knows no window', () => well.every((host) => fleet.isAt(host, 'V3')))
})

test('status tells that a gate is shut, and that a host waits for a slot', async () => {
  const fleet = await Fleet.open({ hosts: ['web1', 'web2'], file: 'gates: ["kv:go", "tcp:127.0.0.1:1"]' })
  const status = async () => (await fleet.ask('status', '-f', fleet.fileOf('web1'))).stdout
  await fleet.runs('V1')
  await fleet.ask('trigger', 'V2')
  expect(await status()).toMatch(/waiting {4}web1, web2\n {11}for: waiting for kv:go \(there is no such key\)\n/)
  await fleet.consul.request('PUT', '/kv/go', 'yes')
  expect(await status()).toContain('for: its turn, if these are open for it: tcp:127.0.0.1:1')
  fleet.configure('gates: ["kv:go"]')
  fleet.mark('hang-web1', true)
  fleet.mark('hang-web2', true)
  fleet.start()
  await fleet.until('one has the slot', () => fleet.witnessed.length === 1)
  const [{ host } = { host: '' }] = fleet.witnessed
  expect(await status()).toContain(`for: waiting for a slot of the cluster: 1 of 1 taken (${host})`)
  for (const one of fleet.hosts) fleet.mark(`hang-${one}`, false)
  fleet.kill(host)
})
