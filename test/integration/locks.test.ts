import { spawn } from 'node:child_process'
import { hostname, userInfo } from 'node:os'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { findConsul } from '../../scripts/provide/find-consul.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { lockerEnvironment, patiently, Running, runLocker, startLocker } from '../kit/locker.ts'
import { SecureAgent } from '../kit/secure-agent.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()
const keyOf = (name: string) => `consul-locker-${name}`

interface Listed {
  readonly name: string
  readonly state: string
  readonly holders: readonly Record<string, unknown>[]
  readonly waiters: readonly Record<string, unknown>[]
  readonly [field: string]: unknown
}

/** What `locks --json` says with these words. */
async function listed(...words: string[]): Promise<Listed[]> {
  const { code, stdout, stderr } = await runLocker(['locks', '--json', ...words])
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('error') })
  return JSON.parse(stdout).locks
}

/** The lock of this name, once it looks like this. */
async function becomes(name: string, looks: (lock: Listed) => unknown, ...words: string[]): Promise<Listed> {
  let seen: Listed | undefined
  const look = async () => {
    seen = (await listed(...words)).find((lock) => lock.name === name)
    return seen && looks(seen) ? seen : undefined
  }
  return (await patiently(look, () => `${name} is ${JSON.stringify(seen)}`)) as Listed
}

const me = { host: hostname(), user: userInfo().username }

describe.concurrent('locks', () => {
  test('shows who holds a lock, who waits for it, and how its last run ended', async () => {
    const name = uniqueName('listed')
    await runLocker([name, 'sh', '-c', 'exit 3'])
    const holder = startLocker([name, 'sleep', '60'])
    await consul().holder(keyOf(name))
    const waiter = startLocker([name, 'echo', 'secret'])
    await waiter.says(/waiting for/)
    const lock = await becomes(name, ({ waiters }) => waiters.length === 1, name)
    const { ModifyIndex: fence, Session: session } = (await consul().entry(keyOf(name))) ?? {}
    expect(lock).toMatchObject({
      ...{ key: keyOf(name), kind: 'lock', state: 'held', limit: 1 },
      holders: [{ ...me, pid: holder.child.pid, command: ['sleep'], since: expect.any(String), session, fence }],
      waiters: [{ ...me, pid: waiter.child.pid, command: ['echo'], since: expect.any(String) }],
      lastRun: { code: 3 },
      lastFailure: { code: 3 },
    })
    const { stdout } = await runLocker(['locks', name])
    expect(stdout.split('\n')[0]).toMatch(/^NAME +STATE +HOLDER +FOR +FENCE +WAIT +LAST RUN$/)
    expect(stdout.split('\n')[1]).toMatch(new RegExp(`^listed\\S+ +held +\\S+.* +\\d+s +${fence} +1 +\\d+\\S* exit 3$`))
    const waiting = await runLocker(['locks', '--waiters', name])
    expect(waiting.stdout).toMatch(new RegExp(`^\\S+ +listed\\S+ +1 +\\d+s +\\S+ +${waiter.child.pid} +echo$`, 'm'))
    for (const running of [waiter, holder]) {
      running.kill('SIGTERM')
      await running.ends()
    }
    const free = await becomes(name, ({ holders }) => holders.length === 0, name)
    expect(free).toMatchObject({ state: 'free', waiters: [], lastRun: { signal: 'SIGTERM' } })
  })

  test.each<[string, string[], string[]]>([
    ['slots', ['--slots', '1'], ['--slots', '1']],
    ['a writer before a reader', [], ['--shared']],
    ['readers before a writer', ['--shared'], []],
    ['several locks', [], ['--also', uniqueName('other')]],
  ])('shows who waits for %s', async (_, holding, waiting) => {
    const name = uniqueName('kinds')
    const holder = startLocker([...holding, name, 'sh', '-c', 'echo runs; sleep 60'])
    await holder.prints(/runs/)
    const waiter = startLocker([...waiting, '--record-command', name, 'echo', 'not secret'])
    await waiter.says(/waiting for/)
    const lock = await becomes(name, ({ waiters }) => waiters.length === 1, name)
    expect(lock.holders).toMatchObject([{ ...me, pid: holder.child.pid }])
    expect(lock.waiters).toMatchObject([{ ...me, pid: waiter.child.pid, command: ['echo not secret'] }])
    expect(lock.waiters[0]?.also).toBe(waiting.includes('--also') ? true : undefined)
    holder.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'not secret\n' })
    await holder.ends()
  })

  test('says until when at the latest a lock is closed whose holder was cut off', async () => {
    const name = uniqueName('closed')
    const holder = startLocker([name, 'sleep', '60'])
    const session = await consul().holder(keyOf(name))
    await consul().destroySession(session)
    await holder.ends()
    const atMs = Date.now()
    const [lock] = await listed(name)
    expect(lock).toMatchObject({ state: 'closed', closed: 1, left: { host: me.host }, lastRun: { lost: 'unknown' } })
    expect(Date.parse(String(lock?.closedUntil)) - atMs).toBeGreaterThan(10_000)
    expect(Date.parse(String(lock?.closedUntil)) - atMs).toBeLessThan(60_000)
    const { stdout } = await runLocker(['locks', name])
    expect(stdout).toMatch(new RegExp(`^closed\\S+ +closed +${me.host.slice(0, 8)}.* <\\d+(\\.\\d)?s `, 'm'))
    await consul().deleteKey(keyOf(name))
  })

  test('shows a pause, and what stands in the place of a lock', async () => {
    const stem = uniqueName('odd')
    await runLocker(['pause', `${stem}-paused`, '--for', '1h', '--reason', 'a move'])
    await consul().request('PUT', `/kv/${keyOf(`${stem}-data`)}`, '\u001b[2J\u0000')
    await consul().request('PUT', `/kv/${keyOf(`${stem}-runs`)}=runs`, 'no history')
    const { stdout } = await runLocker(['locks', `${stem}-*`])
    expect(stdout).toMatch(/^odd\S*-data +no lock /m)
    expect(stdout).toMatch(/^odd\S*-paused +paused /m)
    expect(stdout).toMatch(/^odd\S*-runs +free .* unreadable$/m)
    expect(stdout.replaceAll('\n', ' ')).toMatch(/ is paused until .*: a move/)
    await runLocker(['resume', `${stem}-paused`])
    await consul().deleteKey(keyOf(`${stem}-data`))
    await consul().deleteKey(`${keyOf(`${stem}-runs`)}=runs`)
  })

  test('shows those of the Bash original and of consul lock, with what they tell', async () => {
    const name = uniqueName('bash')
    const session = await consul().createSession({ Name: `consul-lock ${name}`, TTL: '60s' })
    await consul().acquire(keyOf(name), session, 'web7.example')
    expect(await listed(name)).toMatchObject([{ state: 'held', holders: [{ host: 'web7.example', session }] }])
    await consul().destroySession(session)
    await consul().deleteKey(keyOf(name))

    const prefix = `service/${uniqueName('theirs')}`
    const words = ['lock', `-http-addr=${inject('consulAddress')}`, '-pass-stdin', prefix, 'echo ready; cat']
    const binary = await findConsul()
    const theirs = new Running(spawn(binary, words, { env: lockerEnvironment({}), stdio: ['pipe', 'pipe', 'pipe'] }))
    await theirs.prints(/ready/)
    expect((await listed()).filter((lock) => lock.name === prefix)).toEqual([])
    const lock = await becomes(prefix, ({ state }) => state === 'held', '--prefix', prefix)
    expect(lock).toMatchObject({
      key: `${prefix}/.lock`,
      holders: [{ host: expect.any(String), command: [expect.stringContaining('cat')] }],
    })
    theirs.child.stdin?.end()
    await theirs.ends()
  })

  test('says when there is none, and what is asked wrong', async () => {
    const none = { code: 0, stdout: '', stderr: expect.stringContaining('there is no lock of that name') }
    expect(await runLocker(['locks', uniqueName('none')])).toMatchObject(none)
    const nobody = { code: 0, stdout: '', stderr: expect.stringContaining('nobody waits') }
    expect(await runLocker(['locks', '--waiters', uniqueName('none')])).toMatchObject(nobody)
    for (const words of [
      ['a', 'b'],
      ['--prefix', ''],
      ['--json', '--waiters'],
    ]) {
      expect(await runLocker(['locks', ...words])).toMatchObject({ code: 2, stdout: '' })
    }
  })
})

describe('a token that may see only some keys', () => {
  let agent: SecureAgent

  beforeAll(async () => {
    agent = await SecureAgent.start()
  })

  afterAll(() => agent?.stop())

  test('gets what it may see, and is told so', async () => {
    const { ca, cert, key } = agent.certificates
    const token = await agent.token('some-locks', 'key_prefix "consul-locker-mine" { policy = "read" }')
    const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key, CONSUL_HTTP_TOKEN: token }
    for (const name of ['mine', 'theirs']) await agent.put(`consul-locker-${name}=runs`, '{"runs":[]}')
    const { code, stdout, stderr } = await runLocker(['locks'], { address: agent.address, env })
    expect({ code, rows: stdout.split('\n').map((line) => line.split(' ')[0]) }).toEqual({
      code: 0,
      rows: ['NAME', 'mine', ''],
    })
    expect(stderr).toContain('the token may not see all keys that begin with consul-locker-')
    expect(stderr).toContain('lock/')
  })

  test('that sees nothing is told that, and that it is why', async () => {
    const { ca, cert, key } = agent.certificates
    const token = await agent.token('no-locks', 'key "nothing" { policy = "read" }')
    const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key, CONSUL_HTTP_TOKEN: token }
    const shown = await runLocker(['locks'], { address: agent.address, env })
    expect(shown).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('there is no lock that this token may see'),
    })
    const unlocked = await runLocker(['unlock', '--pattern', '*', '--yes'], { address: agent.address, env })
    expect(unlocked).toMatchObject({ code: 3, stderr: expect.stringContaining('the token may not see all locks') })
  })
})
