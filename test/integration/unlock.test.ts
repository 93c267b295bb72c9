import { describe, expect, test } from 'vitest'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { client, keyOf } from '../kit/shared-consul.ts'
import { uniqueName } from '../kit/unique.ts'
import { foreign, running, sessionOf } from '../kit/unlocked-runs.ts'

describe('unlock', () => {
  test('shows whom it hits, ends the session and not the key, and tells until when the lock is closed', async () => {
    const name = uniqueName('unlock')
    const run = await running(name)
    const session = await sessionOf(name)
    const done = await runLocker(['unlock', name, '--yes'])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    const lines = done.stdout.trimEnd().split('\n')
    expect(lines).toEqual([
      name,
      expect.stringMatching(/^ {2}held by \S+ \(user \S+, pid \d+, sh\)$/),
      expect.stringMatching(/^ {2}since 20\d\d-.*Z, for \S+$/),
      expect.stringContaining(`  session ${session}`),
      '  its command is stopped at once: TERM, and KILL after its grace; the next one',
      expect.stringMatching(/^ {4}starts after the lock-delay of 24s, about 20\d\d-.*Z$/),
      expect.stringMatching(new RegExp(`^${name}: \\S+ holds it no more; closed for 24s, until about 20\\d\\d-.*Z$`)),
    ])
    expect(Math.max(...lines.slice(0, -1).map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(await run.ends()).toMatchObject({ code: 6 })
    const next = await runLocker(['-n', name, 'true'])
    expect(next).toMatchObject({ code: 1, stderr: expect.stringContaining('Consul keeps it closed') })
    const again = await runLocker(['unlock', name, '--yes'])
    expect(again).toMatchObject({ code: 0, stdout: '' })
    expect(again.stderr).toMatch(/nobody holds .*: nothing is done; it is closed until 20\d\d-.*Z at the latest/)
    await client.deleteKey(keyOf(name))
  })

  test('of a lock that nobody holds does nothing, and succeeds', async () => {
    const name = uniqueName('free')
    const free = await runLocker(['unlock', name, '--yes'])
    expect(free).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining(`nobody holds ${name}`) })
  })

  test('without a terminal and without --yes is refused, when it has shown whom it would hit', async () => {
    const name = uniqueName('unasked')
    const run = await running(name)
    for (const words of [[], ['--yield']]) {
      const refused = await runLocker(['unlock', name, ...words])
      expect(refused).toMatchObject({
        code: 2,
        stdout: expect.stringContaining('held by'),
        stderr: expect.stringContaining('give --yes if you mean it'),
      })
    }
    expect(await sessionOf(name)).toBeDefined()
    run.kill('SIGTERM')
    expect(await run.ends()).toMatchObject({ code: 143 })
  })

  test.each([
    [['unlock'], 'no lock was named'],
    [['unlock', 'one', 'two'], 'two'],
    [['unlock', 'one', '--pattern', 'two*'], 'two wishes'],
    [['unlock', 'a b'], 'lock name'],
    [['unlock', 'one', '--key', '//'], '--key'],
    [['unlock', '--pattern', 'a', '--key', 'b'], '--key'],
  ])('%j is refused as wrong usage', async (words, why) => {
    expect(await runLocker([...words, '--yes'])).toMatchObject({ code: 2, stderr: expect.stringContaining(why) })
  })

  test('by two at once hits one holder once, and nobody else', async () => {
    const name = uniqueName('twice')
    const run = await running(name)
    const both = await Promise.all([1, 2].map(() => runLocker(['unlock', name, '--yes'])))
    expect(await run.ends()).toMatchObject({ code: 6 })
    const codes = both.map(({ code }) => code)
    expect(codes).toContain(0)
    expect(codes.every((code) => code === 0 || code === 1)).toBe(true)
    await client.deleteKey(keyOf(name))
  })

  test('--holder keeps it from hitting another host', async () => {
    const name = uniqueName('host')
    const run = await running(name)
    const session = (await sessionOf(name)) ?? ''
    expect(await runLocker(['unlock', name, '--holder', 'elsewhere', '--yes'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`elsewhere doesn't hold ${name}`),
    })
    expect(await sessionOf(name)).toBe(session)
    expect(await runLocker(['unlock', name, '--holder', session, '--yes'])).toMatchObject({ code: 0 })
    expect(await run.ends()).toMatchObject({ code: 6 })
    await client.deleteKey(keyOf(name))
  })

  test('shows what else the session holds', async () => {
    const [name, other] = [uniqueName('also'), uniqueName('other')]
    const run = await running(name, undefined, ['--also', other])
    const done = await runLocker(['unlock', other, '--yes'])
    expect(done.stdout).toContain(`its session also holds ${name}: they go with it`)
    expect(await run.ends()).toMatchObject({ code: 6 })
    for (const key of [name, other].map(keyOf)) await client.deleteKey(key)
  })
})

describe('unlock --yield', () => {
  test('has the holder’s own runner end the command, and the next one starts without a lock-delay', async () => {
    const name = uniqueName('yield')
    const run = await running(name)
    const next = startLocker([name, 'echo', 'mine'])
    await next.says(/waiting for/)
    const done = await runLocker(['unlock', name, '--yield', '--yes'])
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/has given it back, after/) })
    expect(await run.ends()).toMatchObject({ code: 143, stderr: expect.stringMatching(/asks for the lock/) })
    expect(await next.ends()).toMatchObject({ code: 0, stdout: 'mine\n' })
    expect(await client.remains(name)).toEqual([])
  })

  test('leaves the command’s own exit code to it', async () => {
    const name = uniqueName('tidy')
    const run = await running(name, "trap 'echo tidied; exit 3' TERM; while :; do sleep 0.1; done")
    expect(await runLocker(['unlock', name, '--yield', '--yes'])).toMatchObject({ code: 0 })
    expect(await run.ends()).toMatchObject({ code: 3, stdout: expect.stringContaining('tidied') })
  })

  test('reaches slots, readers and the second of several locks', async () => {
    const names = ['slots', 'readers', 'also'].map(uniqueName)
    const options = [['--slots', '2'], ['--shared'], ['--also', `${names[2]}-b`]]
    const runs = await Promise.all(names.map((name, n) => running(name, undefined, options[n])))
    const asked = [names[0], names[1], `${names[2]}-b`]
    const ends = await Promise.all(asked.map((name = '') => runLocker(['unlock', name, '--yield', '--yes'])))
    expect(ends).toMatchObject(asked.map(() => ({ code: 0, stderr: '' })))
    expect(await Promise.all(runs.map((run) => run.ends()))).toMatchObject(names.map(() => ({ code: 143 })))
  })

  test('asks a hold’s users, and waits for them', async () => {
    const name = uniqueName('users')
    const hold = startLocker(['hold', name], { stdio: ['pipe', 'pipe', 'pipe'] })
    await hold.prints(/runId/)
    const asking = startLocker(['unlock', name, '--yield', '--yes'])
    await hold.prints(/releaseAskedBy/)
    expect(asking.hasEnded).toBe(false)
    hold.child.stdin?.end()
    expect(await asking.ends()).toMatchObject({ code: 0 })
    expect(await hold.ends()).toMatchObject({ code: 0 })
  })

  test('says so when the runner doesn’t hear of requests', async () => {
    const name = uniqueName('old')
    const record = { host: 'web1', pid: 7, user: 'root', command: ['x'], runId: 'an old one', lockDelayMs: 0 }
    await foreign(`consul-locker ${name} an old one`, [keyOf(name), JSON.stringify(record)])
    const late = await runLocker(['unlock', name, '--yield', '--yes', '--timeout', '1s'])
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('is older than 0.2') })
  })

  test('is answered by the guardian when the runner is killed at that', async () => {
    const name = uniqueName('killed')
    const run = await running(name, "trap '' TERM; while :; do sleep 0.1; done", ['--kill-after', '1s'])
    const asking = startLocker(['unlock', name, '--yield', '--yes'])
    await run.says(/asks for the lock/)
    run.kill('SIGKILL')
    expect(await asking.ends()).toMatchObject({ code: 0, stdout: expect.stringContaining('has given it back') })
  })

  test('tells of a lock that was lost before it was given back', async () => {
    const name = uniqueName('lost')
    const run = await running(name, "trap '' TERM; while :; do sleep 0.1; done", ['--kill-after', '1s'])
    const asking = startLocker(['unlock', name, '--yield', '--yes'])
    await run.says(/asks for the lock/)
    await client.destroySession((await sessionOf(name)) ?? '')
    expect(await asking.ends()).toMatchObject({ code: 6, stderr: expect.stringContaining('lost it before') })
    expect(await run.ends()).toMatchObject({ code: 6 })
    await client.deleteKey(keyOf(name))
  })

  test('is of no use to who asks for another run in this one’s record', async () => {
    const name = uniqueName('fresh')
    const run = await running(name)
    const entry = await client.entry(keyOf(name))
    const record = JSON.parse(await client.value(keyOf(name)))
    // A request for somebody else's run in this one's record.
    await client.request(
      'PUT',
      `/kv/${keyOf(name)}?cas=${entry?.ModifyIndex}&flags=3304740253564472344`,
      JSON.stringify({ ...record, runId: 'other', releaseAskedBy: 'root@web2' }),
    )
    await patiently(
      async () => (await client.value(keyOf(name))).includes('other'),
      () => 'nothing was written',
    )
    run.kill('SIGHUP')
    expect(await run.ends()).toMatchObject({ code: 129, stderr: expect.not.stringContaining('asks for') })
  })
})
