import { expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = new ConsulClient()

test('a lock is named by its key alone: held, shown, paused, asked for and unlocked', async () => {
  const key = `site/${uniqueName('keyed')}`
  const of = (word: string, ...more: string[]) => runLocker([word, '--key', key, ...more])
  const holder = startLocker(['hold', '--key', key, '--for', '60s'])
  const [, runId = ''] = await holder.prints(/"runId":"([^"]+)"/)
  expect(JSON.parse(holder.stdout)).toMatchObject({ name: key, key })
  expect(await of('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('held by') })
  expect(await of('pause', '--for', '1h')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${key} is paused`),
  })
  expect(await of('resume')).toMatchObject({ code: 0, stdout: expect.stringContaining(`${key} is no longer paused`) })
  expect(await of('release', '--run', runId)).toMatchObject({ code: 0, stderr: '' })
  expect(await holder.ends()).toMatchObject({ code: 0 })
  expect(await of('history')).toMatchObject({ code: 0, stderr: expect.stringContaining(`no run under ${key}`) })
  expect(await of('unlock', '--yes')).toMatchObject({ code: 0, stderr: expect.stringContaining(`nobody holds ${key}`) })
  const slots = await runLocker(['slots', '--key', `${key}/.lock`])
  expect(slots).toMatchObject({ code: 0, stdout: expect.stringContaining(`nobody has a slot of ${key}/.lock`) })
})

test.each(['status', 'history', 'pause', 'resume', 'unlock', 'release', 'slots', 'hold'])(
  '%s says that neither a name nor a key names a lock',
  async (word) => {
    const ended = await runLocker([word])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('no lock was named') })
  },
)

test('the name of an application that is led is told to be that, where a lock of that name is free', async () => {
  const name = uniqueName('led')
  const session = await consul.createSession({ Behavior: 'release', LockDelay: '0s' })
  await consul.acquire(`lock/${name}/leader`, session, JSON.stringify({ host: 'web1', command: ['leader', name] }))
  const led = `${name} is led by web1`
  const see = `: consul-locker leader status ${name}`
  for (const words of [['status'], ['history'], ['unlock']]) {
    expect(await runLocker([...words, name])).toMatchObject({ code: 0, stderr: expect.stringContaining(led + see) })
  }
  const paused = await runLocker(['pause', name, '--for', '1s'])
  expect(paused).toMatchObject({ code: 0, stderr: expect.stringContaining(`${led}, whose agents heed no pause${see}`) })
  const stepDown = `consul-locker leader step-down ${name}`
  for (const words of [[], ['--yield', '--yes']]) {
    const ended = await runLocker(['unlock', ...words, '--key', `lock/${name}/leader`])
    expect((ended.stdout + ended.stderr).replaceAll(/\s+/g, ' ')).toContain(stepDown)
  }
  await consul.destroySession(session)
  for (const key of [`lock/${name}/leader`, `consul-locker-${name}=pause`]) await consul.deleteKey(key)
})
