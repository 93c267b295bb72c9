import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { isAlive, processesWith, runs } from '../kit/processes.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** All hooks write down what they hear. */
function noting(dir = scratch()) {
  const file = join(dir, 'notes')
  const note = (more: string) => `echo "$CONSUL_LOCKER_EVENT $CONSUL_LOCKER_NAME ${more}" >>${file}`
  const options = [
    ['--on-wait', note('$CONSUL_LOCKER_REASON')],
    ['--on-acquire', note('$CONSUL_LOCK_HELD $CONSUL_LOCKER_FENCE')],
    ['--on-lost', note('$CONSUL_LOCKER_LOSS $CONSUL_LOCK_HELD')],
    ['--on-release', note('$CONSUL_LOCKER_OUTCOME $CONSUL_LOCKER_CHILD_EXIT $CONSUL_LOCK_HELD')],
  ].flat()
  return { file, options, notes: () => readFileSync(file, 'utf8').split('\n').slice(0, -1) }
}

describe('hooks hear', () => {
  test('of the acquisition before the command begins, and of the release when the lock is free', async () => {
    const name = uniqueName('hooks')
    const { file, options, notes } = noting()
    const { code, stderr } = await runLocker([...options, name, 'sh', '-c', `echo command >>${file}; exit 3`])
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
    expect(notes()).toEqual([expect.stringMatching(`^acquire ${name} true \\d+$`), 'command', `release ${name} ran 3 `])
  })

  test('of the wait, once, and why', async () => {
    const name = uniqueName('hooks')
    const { options, notes, file } = noting()
    const holder = startLocker([name, 'sh', '-c', 'echo held; read -r line'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await holder.prints(/held/)
    const waiter = startLocker([...options, name, 'true'])
    await patiently(
      () => existsSync(file),
      () => waiter.stderr,
    )
    holder.child.stdin?.end('\n')
    expect(await waiter.ends()).toMatchObject({ code: 0 })
    expect(notes().filter((note) => note.startsWith('wait'))).toEqual([
      expect.stringMatching(`^wait ${name} waiting for ${name}: held by`),
    ])
  })

  test('of a loss, and then of the release of what is no longer held', async () => {
    const name = uniqueName('hooks')
    const { options, notes } = noting()
    const runner = startLocker([...options, name, 'sh', '-c', 'echo begun; sleep 60'])
    await runner.prints(/begun/)
    const consul = new ConsulClient()
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect(await runner.ends()).toMatchObject({ code: 6 })
    expect(notes().slice(1)).toEqual([`lost ${name} session-gone `, `release ${name} lost  `])
  })

  test('nothing of a run that never gets the lock, but of the wait', async () => {
    const name = uniqueName('hooks')
    const { options, file } = noting()
    const holder = startLocker([name, 'sh', '-c', 'echo held; read -r line'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await holder.prints(/held/)
    expect(await runLocker(['--no-wait', ...options, name, 'true'])).toMatchObject({ code: 1 })
    expect(existsSync(file)).toBe(false)
  })
})

describe('a hook', () => {
  test('speaks on standard error alone, and reads nothing', async () => {
    const hook = 'cat; echo out; echo err >&2'
    const ended = await runLocker(['--on-acquire', hook, uniqueName('hooks'), 'cat'], { input: Buffer.from('words') })
    expect(ended).toMatchObject({ code: 0, stdout: 'words', stderr: 'out\nerr\n' })
  })

  test('that fails costs a warning, and the run nothing', async () => {
    const ended = await runLocker(['--on-release', 'exit 7', uniqueName('hooks'), 'sh', '-c', 'exit 3'])
    expect(ended).toMatchObject({ code: 3, stderr: 'consul-locker: warn: --on-release failed with exit code 7\n' })
  })

  test('--on-acquire that fails keeps the command from starting, and the lock goes back at once', async () => {
    const name = uniqueName('hooks')
    const dir = scratch()
    const { options, notes } = noting(dir)
    const report = join(dir, 'report')
    const words = [...options, '--on-acquire', 'exit 5', '--report-file', report, name, 'touch', join(dir, 'ran')]
    const ended = await runLocker(words)
    expect(ended).toMatchObject({ code: 8, stdout: '' })
    expect(ended.stderr).toMatch(
      /^consul-locker: error: the command was not started, .*--on-acquire failed with exit code 5\n$/,
    )
    expect(existsSync(join(dir, 'ran'))).toBe(false)
    expect(notes()).toEqual([`release ${name} unprepared  `])
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ outcome: 'unprepared' })
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('--on-acquire is ended by a loss, with all its processes, and the command does not start', async () => {
    const name = uniqueName('hooks')
    const ran = join(scratch(), 'ran')
    const hook = 'trap "" TERM; setsid sleep 61 & echo "pids $$ $!."; sleep 60'
    const runner = startLocker(['--on-acquire', hook, name, 'touch', ran])
    const [, ...pids] = await runner.says(/^pids (\d+) (\d+)\.$/m)
    const consul = new ConsulClient()
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect(await runner.ends()).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(
        /before the command started: .*\n.*error: the command was not started, for the lock/,
      ),
    })
    expect(pids.map(Number).filter(runs)).toEqual([])
    expect(existsSync(ran)).toBe(false)
  })

  test('--on-acquire is ended by a signal to us, and the lock goes back', async () => {
    const name = uniqueName('hooks')
    const runner = startLocker(['--on-acquire', 'echo "pid $$."; sleep 60', name, 'echo', 'ran'])
    const [, pid] = await runner.says(/^pid (\d+)\.$/m)
    runner.kill('SIGTERM')
    expect(await runner.ends()).toMatchObject({ code: 143, stdout: '' })
    expect(runs(Number(pid))).toBe(false)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('--on-acquire of a killed runner is dead before anybody else has the lock', async () => {
    const name = uniqueName('hooks')
    const runner = startLocker([
      '--on-acquire',
      'trap "" TERM; echo "pid $$."; while :; do sleep 0.1; done',
      name,
      'true',
    ])
    const [, pid] = await runner.says(/^pid (\d+)\.$/m)
    const next = startLocker([name, 'sh', '-c', isAlive(pid as string)])
    await next.says(/waiting/)
    runner.kill('SIGKILL')
    expect(await next.ends()).toMatchObject({ code: 1, stdout: '' })
  })

  test('that hangs keeps neither the lock nor TERM nor the exit code, and a signal ends the wait for it', async () => {
    const name = uniqueName('hooks')
    const hang = 'trap "" TERM; echo "pid $$."; while :; do sleep 0.1; done'
    const runner = startLocker(['--on-release', hang, name, 'sh', '-c', 'exit 3'])
    const [, pid] = await runner.says(/^pid (\d+)\.$/m)
    expect(await runLocker(['--no-wait', name, 'echo', 'free'])).toMatchObject({ code: 0, stdout: 'free\n' })
    runner.kill('SIGTERM')
    expect(await runner.ends()).toMatchObject({ code: 3, stderr: expect.stringContaining('ended before it was done') })
    expect(runs(Number(pid))).toBe(false)
  })

  test('of a killed runner does not live on', async () => {
    const name = uniqueName('hooks')
    const runner = startLocker(['--on-release', `: ${name}; echo "pid $$."; sleep 60`, name, 'true'])
    await runner.says(/^pid \d+\.$/m)
    runner.kill('SIGKILL')
    await patiently(
      () => processesWith(name).length === 0,
      () => `still there: ${processesWith(name)}`,
    )
  })
})
