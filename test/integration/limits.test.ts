import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { isAlive, runs } from '../kit/processes.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** Prints its pid and that of a child of its own; both are deaf to TERM. */
const DEAF = 'trap "echo heard" TERM; (trap "" TERM; sleep 60) & echo "pids $$ $!."; while :; do sleep 0.1; done'

describe('--max-runtime', () => {
  test('ends the command with all its processes, exits with 124, and only then gives the lock back', async () => {
    const name = uniqueName('limit')
    const report = join(scratch(), 'report')
    const options = ['--max-runtime', '1s', '--kill-after', '500ms', '--report-file', report]
    const runner = startLocker([...options, name, 'sh', '-c', DEAF])
    const [, ...pids] = await runner.prints(/^pids (\d+) (\d+)\.$/m)
    const next = startLocker([name, 'sh', '-c', isAlive(...pids)])
    const ended = await runner.ends()
    expect(ended).toMatchObject({ code: 124, stdout: expect.stringContaining('heard') })
    expect(ended.stderr).toMatch(/warn: the command has run for 1s, .*stopping it\n.*error: .*had run for 1s\n$/)
    expect(pids.map(Number).filter(runs)).toEqual([])
    expect(await next.ends()).toMatchObject({ code: 1, stderr: expect.not.stringContaining('keeps it closed') })
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ outcome: 'timed-out', childExit: 137 })
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('tells it by another signal, and gives 124 though the command ends well by that', async () => {
    const script = 'trap "echo done; exit 0" USR1; echo begun; while :; do sleep 0.1; done'
    const words = ['--max-runtime', '500ms', '--timeout-signal', 'USR1', uniqueName('limit'), 'sh', '-c', script]
    expect(await runLocker(words)).toMatchObject({ code: 124, stdout: 'begun\ndone\n' })
  })

  test('leaves a quicker command alone, its exit code and its daemons', async () => {
    const ended = await runLocker(['--max-runtime', '1h', uniqueName('limit'), 'sh', '-c', 'exit 3'])
    expect(ended).toMatchObject({ code: 3, stderr: '' })
  })

  test('counts what is left of the group, with --wait-group', async () => {
    const options = ['--max-runtime', '500ms', '--wait-group']
    const ended = await runLocker([...options, uniqueName('limit'), 'sh', '-c', 'sleep 60 & exit 0'])
    expect(ended).toMatchObject({ code: 124 })
  })
})

describe('--on-lost SIGNAL', () => {
  const script = 'trap "echo usr1; exit 0" USR1; trap "echo term" TERM; echo begun; while :; do sleep 0.1; done'

  test('sends that one when the lock is lost', async () => {
    const name = uniqueName('lost')
    const runner = startLocker(['--on-lost', 'USR1', name, 'sh', '-c', script])
    await runner.prints(/begun/)
    const consul = new ConsulClient()
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect(await runner.ends()).toMatchObject({ code: 6, stdout: 'begun\nusr1\n' })
  })

  test('does not spare a command that is deaf to it the KILL', async () => {
    const name = uniqueName('lost')
    const runner = startLocker(['--on-lost', 'HUP', '--kill-after', '300ms', name, 'sh', '-c', `trap "" HUP; ${DEAF}`])
    const [, ...pids] = await runner.prints(/^pids (\d+) (\d+)\.$/m)
    const consul = new ConsulClient()
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect(await runner.ends()).toMatchObject({ code: 6 })
    expect(pids.map(Number).filter(runs)).toEqual([])
  })

  test('has the guardian of a killed runner send it, too', async () => {
    const name = uniqueName('lost')
    const notes = join(scratch(), 'notes')
    const noting = script
      .replaceAll('echo usr1', `echo usr1 >>${notes}`)
      .replaceAll('echo term', `echo term >>${notes}`)
    const runner = startLocker(['--on-lost', 'USR1', name, 'sh', '-c', noting])
    await runner.prints(/begun/)
    runner.kill('SIGKILL')
    const next = await runLocker([name, 'true'])
    expect(next).toMatchObject({ code: 0 })
    expect(readFileSync(notes, 'utf8')).toBe('usr1\n')
  })
})
