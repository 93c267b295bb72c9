import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, lockerEnvironment, patiently, Running, runLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const client = new ConsulClient()

type Stream = 'pipe' | 'socket'

/** A fifo with a reader that reads nothing. */
function unreadFifo(): number {
  const path = join(scratch(), 'fifo')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, 'r+')
  onTestFinished(() => closeSync(fd))
  return fd
}

/** Writes to a pipe until it takes nothing more. */
function fill(fifo: number): void {
  const hand = openSync(`/proc/self/fd/${fifo}`, constants.O_WRONLY | constants.O_NONBLOCK)
  try {
    for (;;) writeSync(hand, '.'.repeat(4096))
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'EAGAIN' })
  } finally {
    closeSync(hand)
  }
}

/** Whether one of a process's threads is in a write to a full pipe. */
function isStuck(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  return readdirSync(threads).some((id) => readFileSync(`${threads}/${id}/wchan`, 'latin1').includes('pipe_w'))
}

/** The executable, with a standard error that nobody reads. */
function startUnread(stream: Stream, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const stdio = ['ignore', 'pipe', stream === 'pipe' ? unreadFifo() : 'pipe'] as const
  const child = spawn(LOCKER, args, { env: lockerEnvironment({ env }), stdio: [...stdio] })
  // Nothing is read that nobody listens to.
  child.stderr = null
  return new Running(child)
}

/** Fills the standard error, and says so. */
const FLOODS = `yes >&2 & yes=$!
until grep -q '^State:.S' /proc/$yes/status; do :; done
until before=$(grep wchar /proc/$yes/io); sleep 0.1; [ "$before" = "$(grep wchar /proc/$yes/io)" ]; do :; done
echo "full $$."`

describe.each(['pipe', 'socket'] as const)('a %s as standard error that nobody reads', (stream) => {
  test('keeps the runner neither from stopping the command when the lock is lost nor from exiting', async () => {
    const name = uniqueName('stuck')
    const script = `${FLOODS}; exec 2>/dev/null; trap 'kill $yes; exit' TERM; while :; do sleep 0.1; done`
    const runner = startUnread(stream, ['--no-guardian', name, 'sh', '-c', script])
    const [, pid] = await runner.prints(/^full (\d+)\.$/m)
    const exited = once(runner.child, 'exit')
    await client.destroySession(await client.holder(`consul-locker-${name}`))
    await patiently(
      () => !runs(Number(pid)),
      () => 'the command goes on without its lock',
    )
    expect((await exited)[0]).toBe(6)
  })

  test('costs the lines, and nothing more: not the command’s exit code, and the stream stays a blocking one', async () => {
    const name = uniqueName('unread')
    const script = `${FLOODS}; grep flags: /proc/self/fdinfo/2; kill $yes; exit 4`
    const runner = startUnread(stream, [name, 'sh', '-c', script], { DEBUG: '1' })
    const exited = once(runner.child, 'exit')
    const [, flags] = await runner.prints(/^flags:\s*(\d+)$/m)
    expect(Number.parseInt(flags as string, 8) & 0o4000).toBe(0)
    expect((await exited)[0]).toBe(4)
    expect(await client.remains(name)).toEqual([])
  })
})

describe('what a word prints', () => {
  test.each([[['--help']], [['--version']], [['monitor', '--help']]])(
    'is not wanted any more by a reader that has gone: %j ends as other tools do',
    async (words) => {
      // yes ends when the reader has gone.
      const through = ['bash', '-c', 'exec 3>&2; { yes 2>/dev/null; "$0" "$@"; echo $? >&3; } | true']
      expect(await runLocker(words, { through })).toMatchObject({ stdout: '', stderr: '141\n' })
    },
  )

  test('does not fit on a full disk: one sentence, and 74', async () => {
    const ended = await runLocker(['--help'], { through: ['sh', '-c', '"$0" "$@" >/dev/full'] })
    expect(ended).toMatchObject({ code: 74, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: the standard output can't be written: [^\n]*\n$/)
  })

  test('waits for a reader, and a signal ends it', async () => {
    const fifo = unreadFifo()
    fill(fifo)
    const word = new Running(spawn(LOCKER, ['--help'], { env: lockerEnvironment({}), stdio: ['ignore', fifo, 'pipe'] }))
    await patiently(
      () => isStuck(word.pid),
      () => 'it does not wait for the reader',
    )
    word.kill('SIGTERM')
    expect(await word.ends()).toMatchObject({ code: 143, stderr: '' })
  })
})
