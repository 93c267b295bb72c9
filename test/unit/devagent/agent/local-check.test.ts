import { expect, test } from 'vitest'
import type { CheckOutcome } from '../../../../src/devagent/agent/check-runner.ts'
import { DevAgent } from '../../../../src/devagent/dev-agent.ts'
import { VirtualClock } from '../../../virtual/virtual-clock.ts'

const MINUTE_MS = 60_000

function open(outcome?: () => CheckOutcome, onChange = () => {}) {
  const clock = new VirtualClock()
  const probe = outcome && (() => Promise.resolve(outcome()))
  const agent = new DevAgent({ clock, random: () => 0.5, onChange, ...(probe && { probe }) })
  const never = new AbortController().signal
  const call = (method: string, path: string, body = '') => agent.handle({ method, path: `/v1${path}`, body }, never)
  const register = (Check: object) => call('PUT', '/agent/service/register', JSON.stringify({ Name: 'web', Check }))
  const read = async (path: string) => JSON.parse((await call('GET', path)).text)
  const inCatalog = async () => (await read('/health/checks/web'))[0]
  return { clock, agent, call, register, read, inCatalog }
}

test('a service that was critical for too long is taken out, half a minute later at most', async () => {
  const { clock, call, register, read } = open()
  await register({ TTL: '10s', DeregisterCriticalServiceAfter: '90s' })
  await clock.advance(10_000)
  await clock.advance(90_000)
  expect(await read('/agent/services')).toHaveProperty('web')
  await clock.advance(30_000)
  expect(await read('/agent/services')).toEqual({})
  expect(await read('/health/service/web')).toEqual([])
  expect(await read('/agent/checks')).toEqual({})
  expect((await call('PUT', '/agent/check/pass/service:web')).status).toBe(500)
})

test('one that recovers in the meantime stays, and Consul never waits for less than a minute', async () => {
  const { clock, call, register, read } = open()
  await register({ TTL: '1h', DeregisterCriticalServiceAfter: '1s' })
  await call('PUT', '/agent/check/fail/service:web')
  await clock.advance(59_000)
  await call('PUT', '/agent/check/pass/service:web')
  await clock.advance(5 * MINUTE_MS)
  expect(await read('/agent/services')).toHaveProperty('web')
})

test('an output that changes while the status stays comes to the catalog within minutes', async () => {
  const { clock, call, register, inCatalog } = open()
  await register({ TTL: '1h' })
  await call('PUT', '/agent/check/pass/service:web?note=one')
  await call('PUT', '/agent/check/pass/service:web?note=two')
  expect(await inCatalog()).toMatchObject({ Output: 'one' })
  await clock.advance(8 * MINUTE_MS)
  expect(await inCatalog()).toMatchObject({ Status: 'passing', Output: 'two' })
})

test('an agent looks every interval, until the check goes', async () => {
  let looks = 0
  const { clock, call, register, inCatalog } = open(() => {
    looks += 1
    return { status: looks < 3 ? 'critical' : 'passing', output: String(looks) }
  })
  await register({ HTTP: 'http://x/', Interval: '10s' })
  await clock.advance(10_000)
  expect(await inCatalog()).toMatchObject({ Status: 'critical' })
  await clock.advance(10_000)
  expect(await inCatalog()).toMatchObject({ Status: 'passing', Output: '3' })
  await call('PUT', '/agent/service/deregister/web')
  await clock.advance(MINUTE_MS)
  expect(looks).toBe(3)
})

test('an agent that can look at nothing says so, and registers nothing', async () => {
  const { register, read } = open()
  expect(await register({ TCP: 'x:1', Interval: '1s' })).toMatchObject({ status: 501 })
  expect(await read('/agent/services')).toEqual({})
})

test('what another one left is as it was told, and critical where it was only looked at', async () => {
  const { agent, call, register } = open(() => ({ status: 'passing', output: '' }))
  await register({ TTL: '1h' })
  await call('PUT', '/agent/check/pass/service:web')
  const looked = { Name: 'looked', Check: { HTTP: 'http://x/', Interval: '10s', Status: 'passing' } }
  await call('PUT', '/agent/service/register', JSON.stringify(looked))
  const image = JSON.parse(JSON.stringify(agent.image))
  const clock = new VirtualClock()
  const other = new DevAgent({ clock, random: () => 0.5, image, probe: () => new Promise(() => {}) })
  const reply = await other.handle({ method: 'GET', path: '/v1/agent/checks' }, new AbortController().signal)
  const checks = JSON.parse(reply.text)
  expect([checks['service:web'].Status, checks['service:looked'].Status]).toEqual(['passing', 'critical'])
  await clock.advance(60 * MINUTE_MS)
  const later = await other.handle({ method: 'GET', path: '/v1/health/checks/web' }, new AbortController().signal)
  expect(JSON.parse(later.text)).toMatchObject([{ Status: 'critical', Output: 'TTL expired' }])
})

test('that a check was told for the first time is worth keeping, though its status is the same', async () => {
  let changes = 0
  const { call, register } = open(undefined, () => {
    changes += 1
  })
  await register({ TTL: '1h', Status: 'passing' })
  const before = changes
  await call('PUT', '/agent/check/pass/service:web')
  expect(changes).toBe(before + 1)
  await call('PUT', '/agent/check/pass/service:web')
  expect(changes).toBe(before + 1)
})
