import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { ROOT_TOKEN, SecureAgent } from '../kit/secure-agent.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = new ConsulClient()

const keyOf = (name: string) => `consul-locker-${name}`

const pause = (name: string, ...more: string[]) => runLocker(['pause', name, '--for', '1h', ...more])

describe('pause', () => {
  test('has who starts meanwhile wait, says why and until when once, and resume lets them go on in their order', async () => {
    const name = uniqueName('pause')
    const paused = await pause(name, '--reason', 'the database moves')
    const until = String.raw`until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \((?:1h|59m\d+s) more\) by \S+@\S+: the database moves`
    expect(paused).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(`^${name} is paused ${until.replace('(?:1h|59m\\d+s)', '1h')}\n$`),
    })
    const first = startLocker([name, 'echo', 'first'])
    await first.says(/paused/)
    await consul.contender(name, keyOf(name))
    const second = startLocker([name, 'echo', 'second'])
    await second.says(/paused/)
    expect(await consul.entry(keyOf(name))).toBeUndefined()
    const resumed = await runLocker(['resume', name])
    expect(resumed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^${name} is no longer paused; the pause was ${until}\n$`),
    })
    for (const run of [first, second]) {
      const { code, stderr } = await run.ends()
      expect({ code, told: stderr.match(new RegExp(`waiting for ${name}: paused ${until}\n`, 'g')) }).toMatchObject({
        code: 0,
        told: [expect.anything()],
      })
    }
    expect(await consul.entry(`${keyOf(name)}=pause`)).toBeUndefined()
    expect(await consul.remains(name)).toEqual([])
  })

  test('has --no-wait and --wait give up as they do, with the reason', async () => {
    const name = uniqueName('busy')
    await pause(name)
    expect(await runLocker(['-n', '-E', '9', name, 'echo', 'ran'])).toMatchObject({
      code: 9,
      stdout: '',
      stderr: expect.stringMatching(`^consul-locker: ${name} is paused until .*\n$`),
    })
    expect(await runLocker(['--wait', '300ms', name, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
    expect(await runLocker(['hold', '-n', '--for', '1m', name])).toMatchObject({ code: 1, stdout: '' })
    await runLocker(['resume', name])
    expect(await runLocker(['-n', name, 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await consul.remains(name)).toEqual([])
  })

  test('tells what goes on, leaves it alone, and holds who waits for it', async () => {
    const name = uniqueName('running')
    const running = startLocker([name, 'sh', '-c', 'echo runs; read x; echo done'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await running.prints(/runs/)
    const waiting = startLocker([name, 'echo', 'next'])
    await waiting.says(/waiting for/)
    const paused = await pause(name)
    expect(paused.stdout.split('\n')[1]).toMatch(new RegExp(`^${name} goes on: held by \\S+ \\(pid \\d+, sh\\) for`))
    running.child.stdin?.end('\n')
    expect(await running.ends()).toMatchObject({ code: 0, stdout: 'runs\ndone\n' })
    await waiting.says(/paused until/)
    expect(await consul.entry(keyOf(name))).toBeUndefined()
    await runLocker(['resume', name])
    expect(await waiting.ends()).toMatchObject({ code: 0, stdout: 'next\n' })
  })

  test('by somebody else gets longer and not shorter', async () => {
    const name = uniqueName('twice')
    await runLocker(['pause', name, '--for', '2h', '--reason', 'first'])
    const shorter = await pause(name, '--reason', 'second')
    expect(shorter).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(': first'),
      stderr: expect.stringContaining('resume first'),
    })
    const longer = await runLocker(['pause', name, '--for', '3h', '--reason', 'third'])
    expect(longer).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(': third'),
      stderr: expect.stringMatching(/before, it was paused .*: first/),
    })
    await runLocker(['resume', name])
    expect(await runLocker(['resume', name])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: `consul-locker: ${name} is not paused\n`,
    })
  })

  test('of a record that nobody can read lasts until it is resumed', async () => {
    const name = uniqueName('garbage')
    await consul.request('PUT', `/kv/${keyOf(name)}=pause`, '\u001b[2Jgarbage')
    const { code, stderr } = await runLocker(['-n', name, 'true'])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `consul-locker: ${name} is paused until somebody ends that (consul-locker resume ${name}): who paused left no record that can be read\n`,
    })
    expect((await runLocker(['resume', name])).stdout).toContain('by a record that nobody can read')
    expect((await runLocker(['-n', name, 'true'])).code).toBe(0)
  })

  test.each<[string, (name: string) => Promise<unknown>, string, string]>([
    ['for a time', (name) => pause(name), 'more', 'by'],
    ['without an end', (name) => consul.request('PUT', `/kv/${keyOf(name)}=pause`, 'garbage'), 'resume', '\\)'],
  ])('of one of several locks is told by its name, %s', async (_, begin, before, after) => {
    const [name, other] = [uniqueName('also'), uniqueName('paused')]
    await begin(other)
    const tried = await runLocker(['-n', '--also', other, name, 'true'])
    expect(tried).toMatchObject({ code: 1 })
    expect(tried.stderr).toMatch(new RegExp(`^consul-locker: ${other} is paused until .*${before}.*${after}`))
    expect(tried.stderr).not.toContain(name)
    const waiting = startLocker(['--also', other, name, 'true'])
    await waiting.says(new RegExp(`waiting for ${name}: ${other} is paused until`))
    await runLocker(['resume', other])
    expect((await waiting.ends()).code).toBe(0)
  })

  test('whose waiter is killed or interrupted leaves nothing of it behind', async () => {
    const name = uniqueName('interrupted')
    await pause(name)
    const one = startLocker([name, 'true'])
    await one.says(/paused/)
    one.kill('SIGTERM')
    expect((await one.ends()).code).toBe(143)
    const other = startLocker([name, 'true'])
    await other.says(/paused/)
    other.kill('SIGKILL')
    await other.ends()
    await patiently(
      async () => (await consul.sessions(` ${name} `)).length === 0,
      () => 'the killed waiter is still there',
    )
    await runLocker(['resume', name])
    expect((await runLocker([name, 'true'])).code).toBe(0)
    expect(await consul.remains(name)).toEqual([])
  })

  test('of a key is one of runs with that key', async () => {
    const name = uniqueName('keyed')
    const key = `service/${name}/.lock`
    await pause(name, '--key', key)
    expect((await runLocker(['-n', name, 'true'])).code).toBe(0)
    expect((await runLocker(['-n', '--key', key, name, 'true'])).code).toBe(1)
    await runLocker(['resume', name, '--key', key])
    expect((await runLocker(['-n', '--key', key, name, 'true'])).code).toBe(0)
  })
})

describe('pause --all', () => {
  test('pauses every lock, names those that go on, and isn’t ended by a name', async () => {
    // An agent of its own: other tests' locks are none of its business.
    const agent = await SecureAgent.start()
    try {
      const { ca, cert, key } = agent.certificates
      const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key, CONSUL_HTTP_TOKEN: ROOT_TOKEN }
      const options = { address: agent.address, env }
      const running = startLocker(
        ['backup', 'sh', '-c', `echo runs; read x; ${LOCKER} -n inner true; echo "inner $?"`],
        {
          ...options,
          stdio: ['pipe', 'pipe', 'pipe'],
        },
      )
      await running.prints(/runs/)
      const paused = await runLocker(['pause', '--all', '--for', '1h', '--reason', 'network'], options)
      expect(paused.stdout).toMatch(/^all locks are paused until .*: network\nbackup goes on: held by .*\n$/)
      const busy = await runLocker(['-n', 'other', 'true'], options)
      expect(busy).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/other is paused, as all locks are, until .*: network/),
      })
      expect(await runLocker(['resume', 'other'], options)).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(
          'other has no pause of its own; all locks are paused (consul-locker resume --all)',
        ),
      })
      expect((await runLocker(['-n', 'other', 'true'], options)).code).toBe(1)
      running.child.stdin?.end('\n')
      expect((await running.ends()).stdout).toBe('runs\ninner 1\n')
      expect((await runLocker(['resume', '--all'], options)).stdout).toMatch(
        /^all locks are no longer paused; the pause was until/,
      )
      expect((await runLocker(['-n', 'other', 'true'], options)).code).toBe(0)
    } finally {
      await agent.stop()
    }
  })
})

describe('bad input', () => {
  test.each([
    [['pause'], 'no lock was named'],
    [['pause', 'a'], 'for how long?'],
    [['pause', '--all'], 'for how long?'],
    [['pause', 'a', '--for', 'ever'], '--for "ever" is not a duration'],
    [['pause', 'a', '--for', '0'], 'no length for a pause'],
    [['pause', 'a', '--for', '31d'], 'no length for a pause'],
    [['pause', 'a', '--all', '--for', '1h'], 'says one lock, and --all says every lock'],
    [['pause', '--key', 'b', '--all', '--for', '1h'], 'says one lock, and --all says every lock'],
    [['pause', 'a', 'b', '--for', '1h'], 'one word too many'],
    [['pause', 'a=b', '--for', '1h'], 'has the character "="'],
    [['pause', 'a', '--for', '1h', '--reson', 'x'], 'there is no option --reson'],
    [['resume'], 'no lock was named'],
    [['resume', 'a', '--all'], 'says one lock, and --all says every lock'],
    [['resume', '../a'], 'the lock name'],
  ])('%j is told in a sentence', async (words, sentence) => {
    const { code, stdout, stderr } = await runLocker(words)
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
