import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { afterTest } from '../../kit/after-test.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { LOCKER, patiently, type Running, runLocker } from '../../kit/locker.ts'
import { kill, processesWith, runs } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { DAEMONS, GuardedLock, isGuardian, STUBBORN, uptime, WAITER } from './guarded-lock.ts'

describe.concurrent('the surroundings of a guardian', () => {
  const killed = async (scene: GuardedLock, holder: Running) => {
    const waiter = await scene.wait()
    holder.kill('SIGKILL')
    expect((await waiter.ends()).stderr).not.toContain('was cut off')
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    await scene.isEmpty()
  }

  test.each([
    ['a minimal PATH, as cron gives', { PATH: '/usr/bin:/bin' }],
    ['an empty PATH', { PATH: '' }],
    ['neither PATH nor HOME', { PATH: undefined, HOME: undefined }],
  ])('may be %s', async (_, env) => {
    const scene = new GuardedLock()
    // Its sleep must be found, ours not.
    const script = STUBBORN.replace('trap', 'PATH=/usr/bin:/bin; trap')
    const holder = await scene.hold(script, ['--kill-after', '1s'], { env, cwd: scratch() })
    await killed(scene, holder)
  })

  test('may be those of an unprivileged user', async ({ skip }) => {
    const scene = new GuardedLock()
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const through = process.getuid?.() === 0 ? nobody : []
    chmodSync(scene.log, 0o666)
    chmodSync(dirname(scene.log), 0o777)
    if (through.length > 0 && !succeeds([...nobody, 'test', '-x', LOCKER])) skip('nobody may not execute the locker')
    const holder = await scene.hold(DAEMONS, ['--kill-after', '1s'], { through })
    await killed(scene, holder)
  })

  test('may have no room for it: then the command does not start', async () => {
    const scene = new GuardedLock()
    // The kernel takes 128 kB of arguments and environment then: enough for us, too little for the guardian's script.
    const through = ['sh', '-c', 'ulimit -s 512; exec "$0" "$@"']
    const env = { FIRST: 'x'.repeat(100_000), SECOND: 'x'.repeat(26_000) }
    const ended = await runLocker([scene.name, 'sh', '-c', `echo ran >${scene.log}`], { through, env })
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: no guardian could be started: .*--no-guardian\)\n$/)
    expect(scene.lines).toEqual([])
    expect(await new ConsulClient().remains(scene.name)).toEqual([])
  })

  test('have no guardian in them with --no-guardian: then a killed runner leaves its command and its lock', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold('exec >/dev/null 2>&1; echo $$ >"$LOG.pid"; beat begins', ['--no-guardian'])
    const command = Number(readFileSync(`${scene.log}.pid`, 'utf8'))
    expect(processesWith(scene.name).filter((pid) => isGuardian(pid, holder.pid))).toEqual([])
    holder.kill('SIGKILL')
    await holder.ends()
    expect(runs(command)).toBe(true)
    const consul = new ConsulClient()
    const session = await consul.holder(`consul-locker-${scene.name}`)
    kill(command)
    await consul.destroySession(session)
    await scene.isEmpty()
  })

  test('are as empty after a run as they were before it', async () => {
    const scene = new GuardedLock()
    for (const code of [0, 1, 2, 3, 4]) expect((await scene.start('short', `exit ${code}`).ends()).code).toBe(code)
    await scene.isEmpty()
  })
})

describe.concurrent('a command that leaves something in the background', () => {
  const script = '{ until [ -e "$LOG.go" ]; do sleep 0.02; done; say background; } & say begins; say ends; exit 5'

  test('keeps the lock until that has ended, with --wait-group', async () => {
    const scene = new GuardedLock()
    const holder = await scene.hold(`echo $$ >"$LOG.pid"; ${script}`, ['--wait-group'])
    const waiter = await scene.wait()
    await patiently(
      () => !runs(Number(readFileSync(`${scene.log}.pid`, 'utf8'))),
      () => 'the command has not ended',
    )
    expect(holder.hasEnded).toBe(false)
    writeFileSync(`${scene.log}.go`, '')
    expect(await holder.ends()).toMatchObject({ code: 5, stderr: '' })
    await waiter.ends()
    expect(scene.lines).toEqual(['holder begins', 'holder ends', 'holder background', 'waiter begins', 'waiter ends'])
    await scene.isEmpty()
  })

  test('gives the lock up without that, and what is left lives on', async () => {
    const scene = new GuardedLock()
    // The background must not keep our pipes open.
    const holder = scene.start('holder', `exec >/dev/null 2>&1; ${script}`)
    expect((await holder.ends()).code).toBe(5)
    await scene.start('waiter', WAITER).ends()
    writeFileSync(`${scene.log}.go`, '')
    await scene.says('holder background')
    expect(scene.lines).toEqual(['holder begins', 'holder ends', 'waiter begins', 'waiter ends', 'holder background'])
    await scene.isEmpty()
  })
})

test('the guardian’s script knows that a grace is a time, however many processes there are to look through', async () => {
  const scene = new GuardedLock()
  const crowd = spawn('/bin/sh', ['-c', 'n=0; while [ $n -lt 800 ]; do sleep 60 & n=$((n + 1)); done; echo; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  afterTest(() => kill(-(crowd.pid as number)))
  await new Promise((resolve) => crowd.stdout.once('data', resolve))
  const holder = await scene.hold(STUBBORN, ['--kill-after', '3s'])
  const waiter = await scene.wait()
  holder.kill('SIGKILL')
  const killedAt = uptime()
  await waiter.ends()
  const last = scene.entries.findLast(({ line }) => line.startsWith('holder'))
  expect((last?.at ?? 0) - killedAt).toBeLessThan(3 + 2)
})

function succeeds([file = '', ...args]: string[]): boolean {
  if (!existsSync(LOCKER)) return false
  try {
    execFileSync(file, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
