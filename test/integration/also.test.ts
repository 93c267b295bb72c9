import { expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { uniqueName } from '../kit/unique.ts'

const piped = { stdio: ['pipe', 'pipe', 'pipe'] as 'pipe'[] }
const consul = new ConsulClient()
const keyOf = (name: string) => `consul-locker-${name}`

function names(count = 2): string[] {
  const stem = uniqueName('also')
  return Array.from({ length: count }, (_, n) => `${stem}-${n}`)
}

async function leaveNothing(...all: string[]): Promise<void> {
  let remains: unknown[] = []
  await patiently(
    async () => {
      remains = (await Promise.all(all.map((name) => consul.remains(name)))).flat()
      return remains.length === 0
    },
    () => `left at Consul: ${JSON.stringify(remains)}`,
  )
}

test('several locks are held by one session, under fences that the command is told', async () => {
  const [a = '', b = '', c = ''] = names(3)
  const script =
    '"$0" verify && "$0" fenced put "$1" x && echo "$CONSUL_LOCKER_KEYS|$CONSUL_LOCKER_FENCES|$CONSUL_LOCKER_FENCE|"; exec cat'
  const run = startLocker(['--also', b, '--also', c, a, 'sh', '-c', script, LOCKER, `data/${a}`], piped)
  const [, keys, fences, fence] = await run.prints(/^(.*)\|(.*)\|(\d+)\|$/m)
  expect(keys).toBe([a, b, c].map(keyOf).join(' '))
  expect(fences).toBe([a, b, c].map((name) => `${name}=${fence}`).join(' '))
  const holders = await Promise.all([a, b, c].map((name) => consul.holder(keyOf(name))))
  expect(new Set(holders).size).toBe(1)
  for (const name of [a, b, c]) {
    expect(await runLocker(['--no-wait', name, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
  }
  run.child.stdin?.end()
  expect(await run.ends()).toMatchObject({ code: 0, stderr: '' })
  expect(await consul.value(`data/${a}`)).toBe('x')
  await consul.deleteKey(`data/${a}`)
  await leaveNothing(a, b, c)
})

test('none is held while one of them isn’t free, and the reason names that one', async () => {
  const [a = '', b = ''] = names()
  const holder = startLocker([b, 'cat'], piped)
  await consul.holder(keyOf(b))
  expect(await runLocker(['--no-wait', '--also', b, a, 'echo', 'ran'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`${b} is busy: held by`),
  })
  const both = startLocker(['--also', b, a, 'echo', 'ran'])
  await both.says(new RegExp(`waiting for ${b}: held by`))
  expect(await consul.entry(keyOf(a))).toBeUndefined()
  holder.child.stdin?.end()
  await holder.ends()
  expect(await both.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
  await leaveNothing(a, b)
})

test('named in different orders they are all taken in the end', async () => {
  const all = names(3)
  const orders = all.flatMap((_, n) => [
    [...all.slice(n), ...all.slice(0, n)],
    [...all.slice(n), ...all.slice(0, n)].reverse(),
  ])
  const started = orders.map(([first = '', ...others]) =>
    startLocker([...others.flatMap((name) => ['--also', name]), first, 'sh', '-c', 'sleep 0.1; echo ran']),
  )
  for (const run of started) expect(await run.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
  await leaveNothing(...all)
})

test('who comes later for one of them waits behind', async () => {
  const [a = '', b = ''] = names()
  const holder = startLocker([b, 'cat'], piped)
  await consul.holder(keyOf(b))
  const both = startLocker(['--also', b, a, 'sh', '-c', 'echo in; exec cat'], piped)
  await both.says(/waiting for/)
  const late = startLocker([a, 'echo', 'ran'])
  await late.says(/2nd in line/)
  expect(await runLocker(['--no-wait', a, 'echo', 'ran'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('others stand in line for it'),
  })
  expect(late.stdout).toBe('')
  holder.child.stdin?.end()
  await both.prints(/in/)
  both.child.stdin?.end()
  expect(await both.ends()).toMatchObject({ code: 0 })
  expect(await late.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
  await leaveNothing(a, b)
})

test.each([0, 1])('the loss of lock %i is the loss of all, and the other one is given back', async (lost) => {
  const all = names()
  const [a = '', b = ''] = all
  const run = startLocker(['--also', b, a, 'sleep', '60'])
  const session = await consul.holder(keyOf(b))
  await consul.release(keyOf(all[lost] as string), session)
  expect(await run.ends()).toMatchObject({ code: 6 })
  expect(await consul.entry(keyOf(all[1 - lost] as string))).toBeUndefined()
  await consul.deleteKey(keyOf(all[lost] as string))
  await leaveNothing(a, b)
})

test('a runner that is killed has all of them given back when its command has ended', async () => {
  const [a = '', b = ''] = names()
  const deaf = 'trap "" TERM; echo "pid $$."; while :; do sleep 0.1; done'
  const run = startLocker(['--kill-after', '500ms', '--also', b, a, 'sh', '-c', deaf])
  const [, child] = await run.prints(/^pid (\d+)\.$/m)
  const next = startLocker([b, 'echo', 'ran'])
  await next.says(/waiting for/)
  run.kill('SIGKILL')
  expect(await next.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
  expect(runs(Number(child))).toBe(false)
  await leaveNothing(a, b)
})

test('verify and fenced put ask for all of them', async () => {
  const [a = '', b = ''] = names()
  const data = `data/${a}`
  const session = await consul.createSession({ Name: a, LockDelay: '1ms' })
  const env = {
    CONSUL_LOCKER_NAME: a,
    CONSUL_LOCKER_KEY: keyOf(a),
    CONSUL_LOCKER_KEYS: `${keyOf(a)} ${keyOf(b)}`,
    CONSUL_LOCKER_SESSION: session,
    CONSUL_LOCKER_RUN_ID: 'nobody',
  }
  const codes = async () => [
    (await runLocker(['verify'], { env })).code,
    (await runLocker(['fenced', 'put', data, 'x'], { env })).code,
  ]
  await consul.acquire(keyOf(a), session)
  expect(await codes()).toEqual([6, 6])
  expect(await consul.entry(data)).toBeUndefined()
  await consul.acquire(keyOf(b), session)
  expect(await codes()).toEqual([0, 0])
  expect(await consul.value(data)).toBe('x')
  for (const key of [data, keyOf(a), keyOf(b)]) await consul.deleteKey(key)
  await consul.destroySession(session)
})

test('inside a run of one of them they are refused', async () => {
  const [a = '', b = ''] = names()
  const nested = await runLocker([b, LOCKER, '--also', b, a, 'echo', 'ran'])
  expect(nested).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(`${b} is already held`) })
  expect(
    await runLocker(['--also', b, a, LOCKER, uniqueName('c'), 'sh', '-c', 'echo "$CONSUL_LOCKER_KEYS."']),
  ).toMatchObject({
    code: 0,
    stdout: '.\n',
  })
  await leaveNothing(a, b)
})
