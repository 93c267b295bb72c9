import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, lockerEnvironment, Running, runLocker, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

function startProcess([file = '', ...words]: readonly string[], env: NodeJS.ProcessEnv): Running {
  return new Running(spawn(file, words, { env: lockerEnvironment({ env }), stdio: ['ignore', 'pipe', 'pipe'] }))
}

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

describe('standard input and output', () => {
  test('carry 10 MB of binary through, byte for byte', async () => {
    const input = randomBytes(10 * 1024 * 1024)
    const ended = await runLocker([uniqueName('binary'), 'cat'], { input })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(sha256(ended.output)).toBe(sha256(input))
  })

  test('are the command’s alone while we have much to say', async () => {
    const ended = await runLocker([uniqueName('silent'), 'sh', '-c', 'echo out; echo err >&2'], { env: { DEBUG: '1' } })
    expect(ended).toMatchObject({ code: 0, stdout: 'out\n' })
    expect(ended.stderr).toContain('err\n')
    expect(ended.stderr).toContain('/v1/txn')
  })

  test('are the very files that we got, not copies through a pipe', async () => {
    const file = openSync(join(scratch(), 'out'), 'w+')
    const ended = await runLocker(
      [uniqueName('same'), 'sh', '-c', 'seen=$(readlink /proc/$$/fd/0 /proc/$$/fd/1); echo "$seen" >&2'],
      {
        stdio: ['ignore', file, 'pipe'],
      },
    )
    expect(ended.stderr).toMatch(/^\/dev\/null\n\/.*\/out\n$/)
  })

  test('leave what the command did not read to the next reader', async () => {
    const through = ['sh', '-c', '"$0" "$@"; cat']
    const input = Buffer.from('first\nsecond\n')
    const ended = await runLocker([uniqueName('rest'), 'sh', '-c', 'read -r line; echo "got $line"'], {
      through,
      input,
    })
    expect(ended).toMatchObject({ code: 0, stdout: 'got first\nsecond\n' })
  })

  test('may be closed by a reader that has seen enough', async () => {
    const through = ['bash', '-c', 'set -o pipefail; "$0" "$@" | head -n 1']
    const ended = await runLocker([uniqueName('enough'), 'yes'], { through })
    expect(ended).toMatchObject({ code: 141, stdout: 'y\n', stderr: '' })
  })

  test.each([
    ['input', '<&-'],
    ['output', '>&-'],
    ['error', '2>&-'],
    ['input, output and error', '<&- >&- 2>&-'],
  ])('don’t matter when they are closed: standard %s', async (_, redirection) => {
    const name = uniqueName('closed')
    const through = ['sh', '-c', `exec "$0" "$@" ${redirection}`]
    expect(await runLocker([name, 'sh', '-c', 'exit 7'], { through })).toMatchObject({ code: 7, stderr: '' })
    expect(await new ConsulClient().remains(name)).toEqual([])
  })
})

describe('further descriptors', () => {
  // 5 and 6 are the two ends of one pipe, as make's jobserver has them.
  const opens = 'exec 3</etc/passwd 9<>"$F" 200>"$F" 6> >(cat); exec 5</proc/self/fd/6'
  // 1 is a pipe of each; 4 and 255 are the listing shell's own.
  const lists = 'cd /proc/$$/fd; for fd in *; do case $fd in 1|4|255) ;; *) echo $fd $(readlink $fd) ;; esac; done'

  test('are those that we got, whatever their numbers, and none of ours', async () => {
    const script = `${opens}; bash -c "$0" | cat; echo --; "$@" bash -c "$0" | cat; exec 5<&- 6>&-`
    const env = { F: join(scratch(), 'file') }
    const [plain = '', locked] = await descriptorsOf(script, lists, env)
    expect(plain).toMatch(/^3 \/etc\/passwd$/m)
    for (const fd of [5, 6, 9, 200]) expect(plain).toMatch(new RegExp(`^${fd} `, 'm'))
    expect(locked).toBe(plain)
  })

  async function descriptorsOf(script: string, lists: string, env: NodeJS.ProcessEnv): Promise<string[]> {
    const words = [LOCKER, uniqueName('descriptors')]
    const shell = startProcess(['bash', '-c', script, lists, ...words], env)
    return (await shell.ends()).stdout.split('--\n')
  }

  test('are there for the shell’s process substitution', async () => {
    const through = ['bash', '-c', '"$0" "$@" <(echo a) <(echo b)']
    expect(await runLocker([uniqueName('substituted'), 'cat'], { through })).toMatchObject({ stdout: 'a\nb\n' })
  })
})

describe('a standard error that takes nothing', () => {
  test('on a full disk costs our lines and nothing more', async () => {
    const full = openSync('/dev/full', 'w')
    const env = { DEBUG: '1' }
    const ended = await runLocker([uniqueName('full'), 'sh', '-c', 'echo out; exit 4'], {
      env,
      stdio: ['ignore', 'pipe', full],
    })
    expect(ended).toMatchObject({ code: 4, stdout: 'out\n' })
  })

  test('on a pipe that nobody reads any more costs our lines and nothing more', async () => {
    const name = uniqueName('broken')
    const consul = new ConsulClient()
    const key = `consul-locker-${name}`
    const other = await consul.createSession({ Name: 'somebody' })
    onTestFinished(async () => void (await consul.destroySession(other)))
    await consul.acquire(key, other, 'somebody')
    const waiter = startLocker([name, 'sh', '-c', 'echo out; exit 4'], { env: { DEBUG: '1' } })
    await waiter.says(/waiting for/)
    waiter.child.stderr?.destroy()
    await consul.release(key, other)
    expect(await waiter.ends()).toMatchObject({ code: 4, stdout: 'out\n' })
  })
})
