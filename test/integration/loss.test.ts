import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, patiently, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { uniqueName } from '../kit/unique.ts'

/** A command with a child of its own; it prints both pids and ends at a line on its standard input. */
const family = 'sleep 60 & echo "pids $$ $!."; read -r line; kill $!; exit 5'
/** The same, but deaf to TERM. */
const deafFamily = 'trap "echo heard" TERM; (trap "" TERM; sleep 60) & echo "pids $$ $!."; while :; do sleep 0.1; done'

interface Holder {
  readonly name: string
  readonly key: string
  readonly session: string
  readonly runner: Running
  readonly pids: readonly number[]
}

async function startHolder(script: string, options: readonly string[] = []): Promise<Holder> {
  const name = uniqueName('loss')
  const key = `consul-locker-${name}`
  const runner = startLocker([...options, name, 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'pipe'] })
  const [, one, other] = await runner.prints(/^pids (\d+) (\d+)\.$/m)
  const session = await new ConsulClient().holder(key)
  return { name, key, session, runner, pids: [Number(one), Number(other)] }
}

describe('a holder', () => {
  test('loses the lock when an operator destroys its session: its command is stopped, and it says so', async () => {
    const consul = new ConsulClient()
    const { name, session, runner, pids } = await startHolder(family)
    await consul.destroySession(session)
    const ended = await runner.ends()
    expect(ended).toMatchObject({ code: 6 })
    expect(ended.stderr).toContain(`lost the lock ${name}`)
    expect(ended.stderr).toMatch(/error: .*was lost: .*session.*\n$/)
    expect(pids.filter(runs)).toEqual([])
    expect(await consul.sessions(name)).toEqual([])
  })

  test('kills a command that ignores TERM, when --kill-after is over', async () => {
    const consul = new ConsulClient()
    const { session, runner, pids } = await startHolder(deafFamily, ['--kill-after', '500ms'])
    await consul.destroySession(session)
    await runner.prints(/heard/)
    expect(await runner.ends()).toMatchObject({ code: 6 })
    expect(pids.filter(runs)).toEqual([])
  })

  test('stops a command that is stopped', async () => {
    const consul = new ConsulClient()
    const { session, runner, pids } = await startHolder(family)
    process.kill(pids[0] as number, 'SIGSTOP')
    await consul.destroySession(session)
    expect(await runner.ends()).toMatchObject({ code: 6 })
    expect(pids.filter(runs)).toEqual([])
  })

  test('takes the lock again when somebody deletes its key: the command lives on', async () => {
    const consul = new ConsulClient()
    const { key, session, runner, name } = await startHolder(family)
    const before = await consul.entry(key)
    await consul.deleteKey(key)
    const [, fence] = await runner.says(/warn: someone deleted the key .* took it again \(fence (\d+)\)/)
    const after = await consul.entry(key)
    expect(after).toMatchObject({ Session: session, Value: before?.Value, ModifyIndex: Number(fence) })
    expect(Number(fence)).toBeGreaterThan(before?.ModifyIndex ?? 0)
    expect(await runLocker(['--no-wait', name, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 5 })
    expect(await consul.remains(name)).toEqual([])
  })

  test('takes the lock again as often as it must', async () => {
    const consul = new ConsulClient()
    const { key, runner } = await startHolder(family)
    for (let times = 1; times <= 3; times++) {
      await consul.deleteKey(key)
      await patiently(
        () => runner.stderr.split('took it again').length > times,
        () => `not taken again for the ${times}. time: ${runner.stderr}`,
      )
    }
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 5 })
  })

  test('loses the lock when somebody deletes its key and is faster to take it', async () => {
    const consul = new ConsulClient()
    const { key, runner, pids } = await startHolder(family)
    const other = await consul.createSession({ Name: 'somebody' })
    await consul.transact({ Verb: 'delete', Key: key }, { Verb: 'lock', Key: key, Session: other, Value: 'b3RoZXI=' })
    const ended = await runner.ends()
    expect(ended).toMatchObject({ code: 6 })
    expect(ended.stderr).toContain(`held by somebody else (session ${other})`)
    expect(pids.filter(runs)).toEqual([])
    expect(await consul.entry(key)).toMatchObject({ Session: other, Value: 'b3RoZXI=' })
    await consul.destroySession(other)
  })

  test('loses the lock when an operator releases it', async () => {
    const consul = new ConsulClient()
    const { key, session, runner, pids, name } = await startHolder(family)
    await consul.release(key, session)
    const ended = await runner.ends()
    expect(ended).toMatchObject({ code: 6 })
    expect(pids.filter(runs)).toEqual([])
    expect(await consul.sessions(name)).toEqual([])
  })

  test('loses nothing when somebody overwrites the value of its key', async () => {
    const consul = new ConsulClient()
    const { key, runner, name } = await startHolder(family)
    await consul.request('PUT', `/kv/${key}`, 'scribble')
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 5, stderr: '' })
    expect(await consul.remains(name)).toEqual([])
  })

  test('takes a run inside its own down with it, to the last process', async () => {
    const consul = new ConsulClient()
    const [outer, inner] = [uniqueName('outer'), uniqueName('inner')]
    const command = [LOCKER, inner, 'sh', '-c', deafFamily]
    const runner = startLocker(['--kill-after', '500ms', outer, ...command])
    const [, one, other] = await runner.prints(/^pids (\d+) (\d+)\.$/m)
    await consul.destroySession(await consul.holder(`consul-locker-${outer}`))
    expect(await runner.ends()).toMatchObject({ code: 6 })
    expect([Number(one), Number(other)].filter(runs)).toEqual([])
  })
})
