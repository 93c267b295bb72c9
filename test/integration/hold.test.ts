import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { holding, PIPE } from '../kit/holding.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { Terminal } from '../kit/terminal.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = new ConsulClient()

const keyOf = (name: string) => `consul-locker-${name}`

/** Whether somebody gets the lock who doesn't wait. */
const isFree = async (name: string) => (await runLocker(['--no-wait', name, 'true'])).code === 0

describe('hold', () => {
  test('prints one line when the lock is its own, and keeps that until its standard input ends', async () => {
    const name = uniqueName('hold')
    const { hold, line } = await holding([name], PIPE)
    const entry = await consul.entry(keyOf(name))
    expect(line).toEqual({
      name,
      key: keyOf(name),
      session: entry?.Session,
      fence: entry?.ModifyIndex,
      runId: JSON.parse(await consul.value(keyOf(name))).runId,
    })
    const busy = await runLocker(['-n', name, 'true'])
    expect(busy).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/held by \S+ \(pid \d+, consul-locker hold\)/),
    })
    hold.child.stdin?.write('what is written there changes nothing\n')
    const waiter = startLocker([name, 'echo', 'mine'])
    await waiter.says(/waiting for/)
    hold.child.stdin?.end()
    expect(await hold.ends()).toMatchObject({ code: 0, stderr: '', stdout: `${JSON.stringify(line)}\n` })
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'mine\n' })
    expect(await consul.remains(name)).toEqual([])
  })

  test('keeps the lock for as long as anybody has its pipe open, even if who made that is killed', async () => {
    const name = uniqueName('pipe')
    const script = `exec 9> >(exec "$0" hold ${name}); sleep 60 & echo "worker $!"; wait`
    const bash = startLocker([], { through: ['bash', '-c', script] })
    const [, worker = ''] = await bash.prints(/worker (\d+)\n/)
    await consul.holder(keyOf(name))
    bash.kill('SIGKILL')
    await patiently(
      () => bash.hasEnded,
      () => 'it lives',
    )
    expect(await isFree(name)).toBe(false)
    process.kill(Number(worker), 'SIGKILL')
    const waiter = await runLocker([name, 'true'])
    expect(waiter.code).toBe(0)
    expect(await consul.remains(name)).toEqual([])
  })

  test('waits no longer than somebody waits for it', async () => {
    const name = uniqueName('nobody')
    const holder = await holding([name], PIPE)
    const waiter = startLocker(['hold', name], PIPE)
    await waiter.says(/waiting for/)
    waiter.child.stdin?.end()
    const ended = await waiter.ends()
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('nobody waits for') })
    expect((await startLocker(['hold', '-n', '-E', '9', name], PIPE).ends()).code).toBe(9)
    holder.hold.child.stdin?.end()
    await holder.hold.ends()
    expect(await consul.remains(name)).toEqual([])
  })

  test('tells of the loss of the lock by 6, and leaves it closed for those who work under it', async () => {
    const name = uniqueName('lost')
    const { hold, line } = await holding([name], PIPE)
    await consul.destroySession(line.session)
    const ended = await hold.ends()
    expect(ended).toMatchObject({ code: 6, stderr: expect.stringMatching(/the lock .* was lost: .*; stop what works/) })
    const next = await runLocker(['-n', name, 'true'])
    expect(next).toMatchObject({ code: 1, stderr: expect.stringContaining('Consul keeps it closed') })
  })

  test('that is killed leaves the lock to its session', async () => {
    const name = uniqueName('killed')
    const { hold, line } = await holding([name], PIPE)
    hold.kill('SIGKILL')
    await hold.ends()
    expect(await isFree(name)).toBe(false)
    expect((await consul.entry(keyOf(name)))?.Session).toBe(line.session)
    await consul.destroySession(line.session)
  })

  test('that nobody reads gives the lock back', async () => {
    const name = uniqueName('unread')
    const through = ['bash', '-c', '"$0" "$@" | true; exit $PIPESTATUS']
    expect(await startLocker(['hold', name], { ...PIPE, through }).ends()).toMatchObject({
      code: 74,
      stderr: expect.stringContaining('nobody reads that the lock is ours'),
    })
    expect(await consul.remains(name)).toEqual([])
  })
})

describe('a signal to a hold', () => {
  test.each(['SIGINT', 'SIGQUIT', 'SIGTSTP'] as const)('%s is left to the script that has its pipe', async (signal) => {
    const name = uniqueName('terminal')
    const { hold } = await holding([name], PIPE)
    hold.kill(signal)
    // The next signal comes behind it.
    hold.kill('SIGTERM')
    hold.child.stdin?.end()
    expect(await hold.ends()).toMatchObject({ code: 0, stderr: '' })
    expect(await consul.remains(name)).toEqual([])
  })

  test.each([
    ['SIGTERM', 0],
    ['SIGINT', 130],
    ['SIGHUP', 0],
  ] as const)('%s gives the lock back where nobody has a pipe; the exit code is %i', async (signal, code) => {
    const name = uniqueName('alone')
    const { hold } = await holding([name, '--for', '0'])
    hold.kill(signal)
    expect(await hold.ends()).toMatchObject({ code, stderr: '' })
    expect(await consul.remains(name)).toEqual([])
  })
})

describe('without a pipe', () => {
  test.each([
    ['/dev/null', '</dev/null'],
    ['a file', '</etc/passwd'],
    ['nothing', '<&-'],
  ])('hold with %s needs --for, and else ends before it asks for the lock', async (_, input) => {
    const name = uniqueName('endless')
    const ended = await runLocker(['hold', name], { through: ['sh', '-c', `exec "$0" "$@" ${input}`] })
    expect(ended).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/nothing would tell .*--for 30m/),
    })
    expect(await consul.remains(name)).toEqual([])
  })

  test('hold gives up after --for, with 124, and leaves the lock closed', async () => {
    const name = uniqueName('overdue')
    const { hold } = await holding([name, '--for', '300ms'])
    expect(await hold.ends()).toMatchObject({ code: 124, stderr: expect.stringContaining('300ms are over') })
    const next = await runLocker(['-n', name, 'true'])
    expect(next).toMatchObject({ code: 1, stderr: expect.stringContaining('Consul keeps it closed') })
  })
})

describe('on a terminal', () => {
  test.each([
    ['C-d', 0],
    ['C-c', 130],
  ])('%s gives the lock back', async (key, code) => {
    const name = uniqueName('tty')
    const terminal = await Terminal.open()
    await terminal.enter(`$L hold ${name}`)
    await terminal.shows(/\{"name":.*\}/)
    await terminal.press(key)
    await terminal.prompts(code)
    expect(await consul.remains(name)).toEqual([])
  })

  test('hold in the background asks for --for, for it may not read there', async () => {
    const terminal = await Terminal.open()
    await terminal.enter(`$L hold ${uniqueName('background')} & wait $!`)
    await terminal.shows(/.*nothing would tell when the lock is to be given back.*/)
    await terminal.prompts(2)
  })
})

describe('release', () => {
  const release = (name: string, runId: string, ...more: string[]) =>
    runLocker(['release', name, '--run', runId, ...more])

  test('has the hold of that run give the lock back', async () => {
    const name = uniqueName('release')
    const { hold, line } = await holding([name, '--for', '1h'])
    expect(await release(name, line.runId)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await hold.ends()).toMatchObject({ code: 0, stderr: expect.stringMatching(/ asks for the lock release-/) })
    expect(await consul.remains(name)).toEqual([])
    expect(await release(name, line.runId)).toMatchObject({ code: 1, stderr: expect.stringContaining('nobody does') })
  })

  test('frees nothing while a script has the pipe of the hold, tells it, and is heard when that is done', async () => {
    const name = uniqueName('in-use')
    const { hold, line } = await holding([name], PIPE)
    const ended = await release(name, line.runId, '--timeout', '300ms')
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("didn't give") })
    await hold.prints(/\n\{"releaseAskedBy":"[^"]+@[^"]+"\}\n/)
    expect(await isFree(name)).toBe(false)
    const second = startLocker(['release', name, '--run', line.runId])
    hold.child.stdin?.end()
    expect((await hold.ends()).code).toBe(0)
    expect(await second.ends()).toMatchObject({ stderr: expect.not.stringContaining('bug') })
    expect(await consul.remains(name)).toEqual([])
  })

  test('touches no other run’s lock, and none of a run with a command', async () => {
    const name = uniqueName('others')
    const { hold, line } = await holding([name, '--for', '1h'])
    const wrong = await release(name, '9ab98b35-3735-4010-a43b-bfe24e300793')
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/doesn't hold others-\w+: it is held by/) })
    expect((await consul.entry(keyOf(name)))?.ModifyIndex).toBe(line.fence)
    await release(name, line.runId)
    await hold.ends()

    const run = startLocker([name, 'sh', '-c', 'echo "$CONSUL_LOCKER_RUN_ID"; read x'], PIPE)
    const [, runId = ''] = await run.prints(/(\S+)\n/)
    const refused = await release(name, runId)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('when the command has ended') })
    run.child.stdin?.end('\n')
    expect((await run.ends()).code).toBe(0)
  })

  test('tells that the lock was lost before it was given back', async () => {
    const name = uniqueName('lost')
    const { hold, line } = await holding([name], PIPE)
    const asking = startLocker(['release', name, '--run', line.runId])
    await hold.prints(/releaseAskedBy/)
    await consul.destroySession(line.session)
    expect(await asking.ends()).toMatchObject({ code: 6, stderr: expect.stringContaining('has lost') })
    expect((await hold.ends()).code).toBe(6)
  })

  test('understands a record that is somebody else’s, or nobody’s', async () => {
    const name = uniqueName('garbage')
    const session = await consul.createSession({ TTL: '10s' })
    for (const value of ['', 'web3', '{"kept":true}', `{"runId":"x","kept":true,"host":"\u001b[2J"}`, '[]', '{']) {
      await consul.acquire(keyOf(name), session, value)
      const { code, stderr } = await release(name, 'y')
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^consul-locker: error: run y doesn't hold \P{Cc}+\n$/u),
      })
    }
    await consul.release(keyOf(name), session)
  })
})

describe('bad input', () => {
  test.each([
    [['hold'], 'no lock was named'],
    [['hold', 'a', 'b'], 'hold takes a name and no command'],
    [['hold', 'a', '--', 'b'], 'hold takes a name and no command'],
    [['hold', 'a/../b', '--for', '1m'], 'the lock name'],
    [['hold', 'a', '--for', 'soon'], '--for "soon" is not a duration'],
    [['hold', 'a', '--for', '1m', '--ttl', '5s'], 'shorter than Consul takes'],
    [['hold', 'a', '--no-wait', '--wait', '3s'], 'two wishes'],
    [['release'], 'no lock was named'],
    [['release', 'a'], 'no run was named'],
    [['release', 'a', '--run', ''], 'no run was named'],
    [['release', 'a', 'b', '--run', 'c'], 'one word too many'],
    [['release', 'a/', '--run', 'c'], 'the lock name'],
  ])('%j is told in a sentence', async (words, sentence) => {
    const { code, stdout, stderr } = await runLocker(words)
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
