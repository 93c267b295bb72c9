import { describe, expect, test } from 'vitest'
import { AbortReason, sleep, unlessAborted } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { WAIT_OVER } from '../../../src/lock/acquire-options.ts'
import { HealthyNode } from '../../../src/run/healthy-node.ts'
import { FaultyTransport, on, type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const NEVER = new AbortController().signal
const MAINTENANCE = 'the check Node Maintenance Mode of dev is critical'

/** A node, and what contends from it for a lock that is never free. */
async function node(service?: string) {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5 })
  let policy: Policy = () => ({})
  const transport = new FaultyTransport(agent.transport(), clock, (request) => policy(request))
  const healthy = new HealthyNode(new Consul(NO_SETTINGS, transport), service)
  const wait = new AbortController()
  const notices: string[] = []
  const log = { ...SILENT, notice: (line: string) => void notices.push(line) }
  const ctx: Context = { clock, log, signal: wait.signal, random: () => 0.5 }
  const attempts: Context[] = []
  const got = Promise.withResolvers<string>()
  const put = async (path: string, body: object = {}, from = 'dev') => {
    const { status } = await agent.handle(
      { method: 'PUT', path: `/v1/agent${path}`, body: JSON.stringify(body) },
      NEVER,
      from,
    )
    expect(status).toBe(200)
    await clock.advance(100)
  }
  return {
    agent,
    clock,
    notices,
    /** So many attempts have begun, and whether the last one goes on. */
    attempts: () => [attempts.length, attempts.at(-1)?.signal.aborted === false],
    meet: (next: Policy) => {
      policy = next
    },
    maintenance: (isOn: boolean) => put(`/maintenance?enable=${isOn}&reason=x`),
    check: (status: string, about: object = {}) =>
      put('/check/register', { Name: 'disk', TTL: '1h', Status: status, ...about }),
    register: (status: string, about: object = {}, from?: string) =>
      put('/service/register', { Name: 'web', Check: { TTL: '1h', Status: status }, ...about }, from),
    /** Tells the check of an instance how that is. */
    tell: (how: 'pass' | 'fail', instance: string) => put(`/check/${how}/service:${instance}`),
    win: () => got.resolve('won'),
    over: (reason = WAIT_OVER) => wait.abort(reason),
    async contend(
      once = false,
      attempt: (ctx: Context) => Promise<string> = (ctx) => unlessAborted(ctx.signal, got.promise),
    ) {
      const contended = healthy.contend(ctx, once, (ctx) => {
        attempts.push(ctx)
        return attempt(ctx)
      })
      contended.catch(() => {})
      await clock.advance(100)
      return { end: contended }
    },
  }
}

describe('a run that contends from a healthy node alone', () => {
  test('begins at once, and settles as its attempt does', async () => {
    const { contend, attempts, win, notices, clock, agent } = await node()
    const { end } = await contend()
    expect(attempts()).toEqual([1, true])
    win()
    expect(await clock.run(end)).toBe('won')
    expect(notices).toEqual([])
    expect({ timers: clock.pending, reads: agent.blockedReads }).toEqual({ timers: 0, reads: 0 })
  })

  test('waits while the node is in maintenance, says so once, and begins when that is over', async () => {
    const { contend, attempts, maintenance, check, win, notices, clock } = await node()
    await maintenance(true)
    const { end } = await contend()
    await check('passing')
    await clock.advance(120_000)
    expect(attempts()[0]).toBe(0)
    expect(notices).toEqual([`waiting until this node is well: ${MAINTENANCE}`])
    await maintenance(false)
    expect(attempts()).toEqual([1, true])
    win()
    expect(await clock.run(end)).toBe('won')
  })

  test('says anew what is wrong when that changes', async () => {
    const { contend, maintenance, check, notices, over, clock } = await node()
    await maintenance(true)
    const { end } = await contend()
    await check('critical')
    const both = notices.at(-1) ?? ''
    expect(notices).toHaveLength(2)
    expect(both).toContain(MAINTENANCE)
    expect(both).toContain(', ')
    expect(both).toContain('the check disk of dev is critical')
    over()
    expect(await clock.run(end)).toMatchObject({ kind: 'unready', missing: expect.arrayContaining([MAINTENANCE]) })
  })

  test('gives its attempt up when the node turns critical, and begins anew when it is well', async () => {
    const { contend, attempts, maintenance, win, notices, clock } = await node()
    const { end } = await contend()
    await clock.advance(120_000)
    await maintenance(true)
    expect(attempts()).toEqual([1, false])
    expect(notices).toEqual([
      `no longer waiting for the lock: ${MAINTENANCE}`,
      `waiting until this node is well: ${MAINTENANCE}`,
    ])
    await maintenance(false)
    expect(attempts()).toEqual([2, true])
    win()
    expect(await clock.run(end)).toBe('won')
  })

  test('keeps what it has won in the moment in which the node turned critical', async () => {
    const { contend, maintenance, clock } = await node()
    const { end } = await contend(
      false,
      (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve('won all the same'))),
    )
    await maintenance(true)
    expect(await clock.run(end)).toBe('won all the same')
  })

  test('does not mind warnings, nor the checks of services', async () => {
    const { contend, attempts, check, register, win, clock } = await node()
    await check('warning')
    await register('critical')
    const { end } = await contend()
    expect(attempts()).toEqual([1, true])
    win()
    await clock.run(end)
  })

  test('names a check without a name by its id', async () => {
    const { contend, meet } = await node()
    const checks = [{ Node: 'dev', CheckID: 'disk', Name: '', Status: 'critical', ServiceName: '' }]
    const headers = { 'content-type': 'application/json', 'x-consul-index': '7' }
    const reply = { ...strangeReply(200, JSON.stringify(checks)), headers }
    meet(on('/v1/health/node', { fault: { kind: 'answered', reply } }))
    const { end } = await contend(true)
    expect(await end).toEqual({ kind: 'unready', missing: ['the check disk of dev is critical'] })
  })

  test('takes a node of which it sees no check for one that is not well', async () => {
    const { contend, meet } = await node()
    const reply = { ...strangeReply(200, '[]'), headers: { 'content-type': 'application/json', 'x-consul-index': '7' } }
    meet(on('/v1/health/node', { fault: { kind: 'answered', reply } }))
    const { end } = await contend(true)
    expect(await end).toEqual({ kind: 'unready', missing: [expect.stringMatching(/^Consul shows no check of dev/)] })
  })
})

describe('a run that requires a healthy service', () => {
  test('begins when an instance on its node is not critical', async () => {
    const { contend, attempts, register, tell, win, clock } = await node('web')
    await register('critical', { ID: 'one' })
    await register('warning', { ID: 'two' })
    const { end } = await contend()
    expect(attempts()).toEqual([1, true])
    await tell('fail', 'two')
    expect(attempts()).toEqual([1, false])
    await tell('pass', 'one')
    expect(attempts()).toEqual([2, true])
    win()
    await clock.run(end)
  })

  test('begins only when that is on its own node', async () => {
    const { contend, attempts, register, tell, notices, win, clock } = await node('web')
    await register('passing', {}, 'other')
    const { end } = await contend()
    expect(attempts()[0]).toBe(0)
    expect(notices).toEqual(['waiting until this node is well: no web is registered on dev'])
    await register('critical')
    expect(notices.at(-1)).toBe('waiting until this node is well: web is critical on dev')
    await tell('pass', 'web')
    expect(attempts()).toEqual([1, true])
    win()
    await clock.run(end)
  })
})

describe('a wait that is over', () => {
  test('tells what is wrong with the node', async () => {
    const { contend, maintenance, over, clock } = await node()
    await maintenance(true)
    const { end } = await contend()
    over()
    expect(await clock.run(end)).toEqual({ kind: 'unready', missing: [MAINTENANCE] })
  })

  test('is over as any other while the node is well', async () => {
    const { contend, over, clock } = await node()
    const { end } = await contend()
    over()
    await expect(clock.run(end)).rejects.toBe(WAIT_OVER)
  })

  test('that somebody ends for another reason tells that, and not what is wrong', async () => {
    const { contend, maintenance, over, clock } = await node()
    await maintenance(true)
    const { end } = await contend()
    const reason = new AbortReason('told to end')
    over(reason)
    await expect(clock.run(end)).rejects.toBe(reason)
  })

  test('knows of nothing wrong when Consul has not said anything yet', async () => {
    const { contend, meet, over, clock } = await node()
    meet(on('/v1/health/node', { fault: { kind: 'black-hole' } }))
    const { end } = await contend()
    over()
    await expect(clock.run(end)).rejects.toBe(WAIT_OVER)
  })
})

describe('a run that does not wait', () => {
  test('looks once', async () => {
    const { contend, maintenance, attempts, notices } = await node()
    await maintenance(true)
    const { end } = await contend(true)
    expect(await end).toEqual({ kind: 'unready', missing: [MAINTENANCE] })
    expect({ attempts: attempts()[0], notices }).toEqual({ attempts: 0, notices: [] })
  })

  test('goes on from a node that is well, whatever becomes of it', async () => {
    const { contend, maintenance, attempts, win, clock } = await node()
    const { end } = await contend(true)
    await maintenance(true)
    expect(attempts()).toEqual([1, true])
    win()
    expect(await clock.run(end)).toBe('won')
  })

  test('fails at the first failure', async () => {
    const { contend, meet, clock } = await node()
    meet(() => ({ fault: { kind: 'refused' } }))
    const { end } = await contend(true)
    await expect(end).rejects.toMatchObject({ code: 'unreachable' })
    expect(clock.nowMs).toBeLessThan(1000)
  })
})

describe('a node that can’t be looked at', () => {
  test('is looked at until Consul answers', async () => {
    const { contend, meet, attempts, win, clock } = await node()
    meet(() => ({ fault: { kind: 'refused' } }))
    const { end } = await contend()
    await clock.advance(3000)
    expect(attempts()[0]).toBe(0)
    meet(() => ({}))
    await clock.advance(5000)
    expect(attempts()).toEqual([1, true])
    win()
    await clock.run(end)
  })

  test('ends the attempt when nothing will change that', async () => {
    const { contend, meet, attempts, clock } = await node()
    const { end } = await contend()
    const reply = strangeReply(400, 'Bad request')
    meet(on('/v1/health/node', { fault: { kind: 'answered', reply } }))
    await clock.advance(120_000)
    expect(attempts()).toEqual([1, false])
    await expect(clock.run(end)).rejects.toMatchObject({ code: 'rejected' })
  })

  test('lets an attempt end as it does', async () => {
    const { contend, clock } = await node()
    const { end } = await contend(false, async (ctx) => {
      await sleep(ctx, 50)
      throw new Error('a fault')
    })
    await expect(clock.run(end)).rejects.toThrow('a fault')
    expect(clock.pending).toBe(0)
  })
})
