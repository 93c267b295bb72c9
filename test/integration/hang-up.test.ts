import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** Waits for the lock's holder and gives the runner's pid, as the holder record tells it. */
async function runnerOf(name: string): Promise<number> {
  const consul = new ConsulClient()
  await consul.holder(`consul-locker-${name}`)
  return JSON.parse(await consul.value(`consul-locker-${name}`)).pid
}

describe('a runner under nohup', () => {
  test.each([
    ['by bash', ['bash', '-c', 'nohup "$0" "$@"; exit $?']],
    ['by a script that itself runs under nohup', ['nohup', 'bash', '-c', '"$0" "$@"; exit $?']],
  ])('survives the hang-up, started %s', async (_, through) => {
    const name = uniqueName('nohup')
    const waits = 'trap "echo hung up" HUP; echo ready; read -r x; echo "read $x"; exit 5'
    const running = startLocker([name, 'sh', '-c', waits], { through, stdio: ['pipe', 'pipe', 'pipe'] })
    const runner = await runnerOf(name)
    await running.prints(/ready/)
    process.kill(runner, 'SIGHUP')
    process.kill(runner, 'SIGUSR1')
    running.child.stdin?.end('on\n')
    await running.ends()
    expect(running.stdout).toContain('ready')
    expect(running.stdout).not.toContain('hung up')
  })

  test('survives that its terminal goes away', async () => {
    const name = uniqueName('terminal')
    const dir = scratch()
    // An interactive shell in a terminal of its own, as a person would use it; `script` is the terminal.
    const terminal = startLocker([name, 'sh', '-c', 'while [ ! -e go ]; do sleep 0.1; done; echo done >done'], {
      through: [
        'sh',
        '-c',
        'LINE="nohup $0 $1 $2 $3 \'$4\' &" exec script -qec "bash --norc --noprofile -i" /dev/null',
      ],
      env: { HISTFILE: undefined },
      cwd: dir,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    terminal.child.stdin?.write('eval "$LINE"\n')
    const runner = await runnerOf(name)
    terminal.kill('SIGKILL')
    await terminal.ends()
    writeFileSync(join(dir, 'go'), '')
    await patiently(
      () => !runs(runner),
      () => `the runner ${runner} still runs`,
    )
    expect(readFileSync(join(dir, 'done'), 'utf8')).toBe('done\n')
    expect(await new ConsulClient().remains(name)).toEqual([])
  })
})

describe('a runner without nohup', () => {
  test('passes the hang-up on', async () => {
    const name = uniqueName('hang-up')
    const running = startLocker([name, 'sleep', '30'])
    process.kill(await runnerOf(name), 'SIGHUP')
    expect(await running.ends()).toMatchObject({ code: 129, stderr: '' })
  })

  test('has nothing to do with a nohup that is the command', async () => {
    expect(await runLocker([uniqueName('inner'), 'nohup', 'sh', '-c', 'kill -HUP $$; exit 3'])).toMatchObject({
      code: 3,
    })
  })
})
