import { describe, expect, test } from 'vitest'
import { acquire, holderOf, leaseWords } from '../kit/leases.ts'
import { patiently, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { client } from '../kit/shared-consul.ts'
import { uniqueName } from '../kit/unique.ts'

const contend = (label: string, id: string, ...more: string[]) =>
  startLocker([...leaseWords('acquire', label, id), ...more])

const release = (label: string, id: string) => runLocker(leaseWords('release', label, id))

describe.concurrent('a start-up lease, as the original tests it', () => {
  test('1: is acquired', async () => {
    const label = uniqueName('lease')
    const ended = await runLocker(['acquire-lease', `--label=${label}`, '--service-id=web-1'])
    expect(ended).toMatchObject({ code: 0, stdout: '' })
    expect(ended.stderr).toBe(`consul-locker: ${label}: web-1 has the start-up lease for 4m at most\n`)
    expect(await holderOf(label)).toBe('web-1')
  })

  test('2: lasts for more than 200 s unless it is told otherwise', async () => {
    const label = uniqueName('lease')
    await acquire(label, 'web-1')
    const shown = await runLocker(['lease', 'show', '--label', label, '--json'])
    expect(JSON.parse(shown.stdout)).toMatchObject({ label, held: true, serviceId: 'web-1', leaseMs: 240_000 })
    // Consul destroys a session at twice its TTL.
    expect(await client.sessions(label)).toMatchObject([{ TTL: '120s', LockDelay: 0 }])
  })

  test('3: is waited for by a second id until it has expired, and goes to one of those who wait', async () => {
    const label = uniqueName('lease')
    const begun = performance.now()
    await acquire(label, 'web-1', '--lease-timeout', '5')
    const contenders = ['web-2', 'web-3', 'web-4'].map((id) => contend(label, id))
    for (const contender of contenders) await contender.says(/waiting for the start-up lease of .*: web-1 on /)
    const winner = await Promise.race(contenders.map((contender) => contender.ends()))
    expect(winner.code).toBe(0)
    expect(performance.now() - begun).toBeGreaterThanOrEqual(5000)
    const [, id] = /: (web-\d) has the start-up lease/.exec(winner.stderr) ?? []
    const losers = contenders.filter((contender) => !contender.hasEnded)
    for (const loser of losers) await loser.says(new RegExp(`waiting for .*: ${id} on `))
    expect(losers).toHaveLength(2)
    expect(await holderOf(label)).toBe(id)
  })

  test('4: blocks no other label', async () => {
    const [label, other] = [uniqueName('lease'), uniqueName('lease')]
    await acquire(label, 'web-1')
    expect(await acquire(other, 'web-2', '--acquire-timeout', '0')).toMatchObject({ code: 0 })
  })

  test('5: is taken again at once by the same id, and its time begins anew', async () => {
    const label = uniqueName('lease')
    await acquire(label, 'web-1')
    const [before] = await client.sessions(label)
    const again = await acquire(label.toUpperCase(), 'web-1', '--acquire-timeout', '0', '--lease-timeout', '60s')
    expect(again).toMatchObject({ code: 0 })
    expect(again.stderr).toContain('web-1 has the start-up lease, once more, for 1m at most')
    const sessions = await client.sessions(label)
    expect(sessions).toMatchObject([{ TTL: '30s' }])
    expect(sessions[0]?.ID).not.toBe(before?.ID)
    expect((await client.entry(`lease/${label}`))?.Session).toBe(sessions[0]?.ID)
  })
})

describe.concurrent('a start-up lease', () => {
  test('that is released goes to the next at once, one after the other', async () => {
    const label = uniqueName('lease')
    const contenders: Running[] = []
    for (const id of ['web-1', 'web-2', 'web-3']) contenders.push(contend(label, id))
    const order: string[] = []
    while (order.length < 3) {
      const id = await patiently(
        async () => (await holderOf(label)) ?? '',
        () => 'nobody has it',
      )
      order.push(id)
      expect(contenders.filter((contender) => contender.hasEnded).length).toBeLessThanOrEqual(order.length)
      expect(await release(label, id)).toMatchObject({ code: 0 })
    }
    for (const contender of contenders) expect(await contender.ends()).toMatchObject({ code: 0 })
    expect(order.sort()).toEqual(['web-1', 'web-2', 'web-3'])
    expect(await client.sessions(label)).toEqual([])
  })

  test('that another one keeps is a failure that says who has it', async () => {
    const label = uniqueName('lease')
    await acquire(label, 'web-1')
    const late = await acquire(label, 'web-2', '--acquire-timeout', '0.3s')
    expect(late.code).toBe(1)
    expect(late.stderr).toMatch(
      /error: the start-up lease of .* was not free within 300ms: web-1 on \S+ has had it for /,
    )
    expect(late.stderr).toMatch(/ of at most 4m\n$/)
    expect(await client.sessions(label)).toHaveLength(1)
  })

  test('is not released by another id, and by nobody twice', async () => {
    const label = uniqueName('lease')
    await acquire(label, 'web-1')
    const other = await release(label, 'web-2')
    expect(other).toMatchObject({ code: 1 })
    expect(other.stderr).toContain(`the start-up lease of ${label} is not that of web-2: web-1 on `)
    expect(await release(label, 'web-1')).toMatchObject({ code: 0, stderr: '' })
    const twice = await release(label, 'web-1')
    expect(twice).toMatchObject({ code: 0, stderr: `consul-locker: nobody has the start-up lease of ${label}\n` })
  })

  test('is shown', async () => {
    const label = uniqueName('lease')
    expect(await runLocker(['lease', 'show', '--label', label])).toMatchObject({
      code: 1,
      stdout: `${label}: nobody has it\n`,
    })
    await acquire(label, 'web-1')
    const shown = await runLocker(['lease', 'show', '--label', label])
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(new RegExp(`^${label}: web-1 on \\S+ has had it for \\S+ of at most 4m\n$`))
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('whose wait %s ends is not ours, and that is no success', async (signal, code) => {
    const label = uniqueName('lease')
    await acquire(label, 'web-1')
    const waiting = contend(label, 'web-2')
    await waiting.says(/waiting for/)
    waiting.kill(signal)
    expect((await waiting.ends()).code).toBe(code)
    expect(await holderOf(label)).toBe('web-1')
    expect(await client.sessions(label)).toHaveLength(1)
  })

  test('that Consul gives in the moment of an interruption is given back', async () => {
    const label = uniqueName('lease')
    const proxy = await startProxy()
    const held = proxy.hold(/^PUT \/v1\/txn/)
    const options = { address: proxy.address, env: { DEBUG: 'true' } }
    const waiting = startLocker(leaseWords('acquire', label, 'web-1'), options)
    await held.arrived
    waiting.kill('SIGTERM')
    await waiting.says(/SIGTERM ends us/)
    held.release()
    expect((await waiting.ends()).code).toBe(143)
    expect(await client.entry(`lease/${label}`)).toBeUndefined()
    expect(await client.sessions(label)).toEqual([])
  })

  test('that was left without a session is taken', async () => {
    const label = uniqueName('lease')
    const session = await client.createSession({ LockDelay: '0s' })
    await client.acquire(`lease/${label}`, session, 'by hand')
    await client.destroySession(session)
    expect(await acquire(label, 'web-1', '--acquire-timeout', '0')).toMatchObject({ code: 0 })
    expect(await holderOf(label)).toBe('web-1')
  })

  test.each([
    [['acquire'], 'no service was named'],
    [['acquire', '--label', 'a/b'], '--label "a/b" can\'t be the name of a service'],
    [['acquire', '--label', 'a b'], '--label "a b" can\'t be the name of a service'],
    [['acquire', '--label', ''], '--label "" can\'t be the name of a service'],
    [['acquire', '--label', 'x'.repeat(64)], `--label "${'x'.repeat(40)}…" can't be the name of a service`],
    [['acquire', '--label', 'a', '--service-id', 'b/c'], '--service-id "b/c" can\'t be the id of a service'],
    [
      ['acquire', '--label', 'a', '--lease-timeout', '0'],
      '--lease-timeout 0 is no length for a lease (from 1s to 24h)',
    ],
    [['acquire', '--label', 'a', '--lease-timeout', 'soon'], '--lease-timeout "soon" is not a duration'],
    [['acquire', '--label', 'a', '--json'], 'lease acquire takes no --json'],
    [['show', '--label', 'a', '--lease-timeout', '5s'], 'lease show takes no --lease-timeout'],
    [['acquire', '--label', 'a', 'b'], '"b" is one word too many'],
    [['steal', '--label', 'a'], 'there is no lease "steal" (consul-locker lease acquire, release or show)'],
    [[], 'what about the lease?'],
  ])('is asked for wrongly: %j', async (args, sentence) => {
    const ended = await runLocker(['lease', ...args])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`consul-locker: error: ${sentence}`)
  })
})
