import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { processesWith, runs } from '../kit/processes.ts'
import { Terminal } from '../kit/terminal.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const TIME = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}[+-]\\d\\d:\\d\\d'
const QUIET = '--quiet-unless-fail'

/** Has both streams lead to the same pipe, as cron does. */
const AS_CRON = ['sh', '-c', '"$0" "$@" 2>&1']

describe('--quiet-unless-fail', () => {
  test('shows nothing of a success, though it has much to say', async () => {
    const ended = await runLocker([QUIET, uniqueName('quiet'), 'sh', '-c', 'seq 100000; seq 1000 >&2'])
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('shows all of a failure, each stream on its own', async () => {
    const ended = await runLocker([QUIET, uniqueName('quiet'), 'sh', '-c', 'seq 50000; echo bad >&2; exit 3'])
    expect(ended).toMatchObject({ code: 3, stdout: numbers(50_000), stderr: 'bad\n' })
  })

  test('shows both streams in the order that the command gave them, where both lead to the same', async () => {
    const script = 'for i in $(seq 300); do echo out $i; echo err $i >&2; done; exit 1'
    const ended = await runLocker([QUIET, uniqueName('quiet'), 'sh', '-c', script], { through: AS_CRON })
    const lines = Array.from({ length: 300 }, (_, n) => `out ${n + 1}\nerr ${n + 1}\n`)
    expect(ended).toMatchObject({ code: 1, stdout: lines.join('') })
  })

  test('shows it byte for byte', async () => {
    const file = join(scratch(), 'bytes')
    writeFileSync(file, Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * n) % 256)))
    const ended = await runLocker([QUIET, uniqueName('quiet'), 'sh', '-c', `cat ${file}; exit 1`])
    expect(ended.output.equals(readFileSync(file))).toBe(true)
  })

  test.each([
    ['a signal', 'echo said; kill -s KILL $$', 137],
    ['its time', 'echo said; sleep 60', 124],
  ])('takes an end by %s for a failure', async (_, script, code) => {
    const options = [QUIET, '--max-runtime', '2s', uniqueName('quiet')]
    expect(await runLocker([...options, 'sh', '-c', script])).toMatchObject({ code, stdout: 'said\n' })
  })

  test('takes the loss of the lock for a failure', async () => {
    const name = uniqueName('quiet')
    const begun = join(scratch(), 'begun')
    const runner = startLocker([QUIET, name, 'sh', '-c', `echo said; touch ${begun}; sleep 60`])
    await patiently(
      () => statSync(begun, { throwIfNoEntry: false }),
      () => runner.stderr,
    )
    const consul = new ConsulClient()
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect(await runner.ends()).toMatchObject({
      code: 6,
      stdout: 'said\n',
      stderr: expect.stringContaining('was lost'),
    })
  })

  test('says nothing of a lock that somebody else has', async () => {
    const name = uniqueName('quiet')
    const holder = startLocker([name, 'sh', '-c', 'echo held; read -r line'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await holder.prints(/held/)
    expect(await runLocker([QUIET, '--no-wait', name, 'true'])).toMatchObject({ code: 1, stdout: '', stderr: '' })
    holder.child.stdin?.end('\n')
    await holder.ends()
  })

  test('keeps what it holds back in a file without a name', async () => {
    const dir = scratch()
    const begun = join(dir, 'begun')
    const script = `seq 100000; touch ${begun}; read -r line; exit 1`
    const stdio = ['pipe', 'pipe', 'pipe'] as const
    const runner = startLocker([QUIET, uniqueName('quiet'), 'sh', '-c', script], {
      env: { TMPDIR: dir },
      stdio: [...stdio],
    })
    await patiently(
      () => statSync(begun, { throwIfNoEntry: false }),
      () => runner.stderr,
    )
    expect(readdirSync(dir)).toEqual(['begun'])
    expect(openFiles(runner.pid).filter((file) => file.startsWith(`${dir}/`))).toEqual([
      expect.stringMatching(/ \(deleted\)$/),
    ])
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 1 })
  })

  test('says how much is missing when the disk is full, and keeps the end and the exit code', async () => {
    // As on a full disk no file grows any more; pipes do.
    const through = ['sh', '-c', 'ulimit -f 100; "$0" "$@"']
    const ended = await runLocker([QUIET, uniqueName('quiet'), 'sh', '-c', 'seq 200000; exit 3'], { through })
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toMatch(/^consul-locker: warn: \d+ bytes of the command's output are missing here: [^\n]+\n$/)
    const missing = Number(/(\d+) bytes/.exec(ended.stderr)?.[1])
    expect(ended.stdout.length + missing).toBe(numbers(200_000).length)
    expect(ended.stdout).toMatch(/^1\n2\n[\s\S]*\n199999\n200000\n$/)
  })
})

describe('--tee', () => {
  test('writes both streams to the file, too, at its end', async () => {
    const file = join(scratch(), 'log')
    const tee = (script: string) => runLocker(['--tee', file, uniqueName('tee'), 'sh', '-c', script])
    expect(await tee('echo out; exit 3')).toMatchObject({ code: 3, stdout: 'out\n', stderr: '' })
    expect(await tee('echo err >&2')).toMatchObject({ code: 0, stdout: '', stderr: 'err\n' })
    expect(readFileSync(file, 'utf8')).toBe('out\nerr\n')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('writes what is not shown, and what is', async () => {
    const file = join(scratch(), 'log')
    const tee = (script: string) => runLocker([QUIET, '--tee', file, uniqueName('tee'), 'sh', '-c', script])
    expect(await tee('echo good')).toMatchObject({ code: 0, stdout: '' })
    expect(await tee('echo bad; exit 1')).toMatchObject({ code: 1, stdout: 'bad\n' })
    expect(readFileSync(file, 'utf8')).toBe('good\nbad\n')
  })

  test.each(['--report-file', '--textfile'])('is refused where %s goes', async (other) => {
    const file = join(scratch(), 'same.prom')
    const ended = await runLocker(['--tee', file, other, file, uniqueName('tee'), 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('name the same file') })
  })

  test('begins it anew at its size, and keeps five old ones', async () => {
    const dir = scratch()
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do head -c 900 /dev/zero; sleep 0.05; done'
    await runLocker(['--tee', join(dir, 'log'), '--tee-size', '1k', uniqueName('tee'), 'sh', '-c', script])
    expect(readdirSync(dir).sort()).toEqual(['log', 'log.1', 'log.2', 'log.3', 'log.4', 'log.5'])
  })

  test('of two runs loses nothing of either', async () => {
    const file = join(scratch(), 'log')
    const script = (word: string) => `for i in $(seq 200); do echo ${word}; sleep 0.002; done`
    const run = (word: string) => runLocker(['--tee', file, uniqueName('tee'), 'sh', '-c', script(word)])
    await Promise.all([run('one'), run('other')])
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    expect(lines.filter((line) => line === 'one')).toHaveLength(200)
    expect(lines.filter((line) => line === 'other')).toHaveLength(200)
  })

  test('that meets a full disk says so, and the command goes on', async () => {
    const file = join(scratch(), 'log')
    const through = ['sh', '-c', 'ulimit -f 10; "$0" "$@"']
    const ended = await runLocker(['--tee', file, uniqueName('tee'), 'sh', '-c', 'seq 100000; exit 3'], { through })
    const all = Buffer.from(numbers(100_000))
    expect(ended.output.equals(all)).toBe(true)
    expect(ended.code).toBe(3)
    const size = statSync(file).size
    expect(ended.stderr).toMatch(/^consul-locker: warn: [^\n]*file too large; the command goes on\n/)
    expect(ended.stderr).toContain(`warn: ${all.length - size} bytes of the command's output are missing in ${file}\n`)
    expect(readFileSync(file).equals(all.subarray(0, size))).toBe(true)
  })

  test.each([
    ['/no/such/folder/log', /no such file or directory/],
    ['/tmp', /is a directory/],
    ['/dev/null', /is no file/],
  ])('to %s is refused before anything begins', async (file, sentence) => {
    const ended = await runLocker(['--tee', file, uniqueName('tee'), 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) })
    expect(ended.stderr).toMatch(/^consul-locker: error: [^\n]+\n$/)
  })

  test.each([
    [['--tee-size', '1k'], /there is none/],
    [['--tee', 'log', '--tee-size', '0'], /"0" is not a size/],
    [['--tee', 'log', '--tee-size', 'big'], /"big" is not a size/],
  ])('like %j is refused', async (options, sentence) => {
    const ended = await runLocker([...options, uniqueName('tee'), 'echo', 'ran'], { cwd: scratch() })
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) })
  })
})

describe('--timestamps', () => {
  test('stand before the lines of both streams, and all other bytes are the command’s', async () => {
    const script = "printf 'a\\nb\\0\\377'; echo err >&2; exit 3"
    const ended = await runLocker(['--timestamps', uniqueName('stamps'), 'sh', '-c', script])
    expect(ended.output.toString('latin1')).toMatch(new RegExp(`^${TIME} a\n${TIME} b\0\xff$`))
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringMatching(new RegExp(`^${TIME} err\n$`)) })
  })

  test('do not hold back a prompt on a terminal', async () => {
    const terminal = await Terminal.open()
    await terminal.enter(
      `clear; $L --timestamps ${uniqueName('stamps')} sh -c 'printf "Go on? "; read -r x; echo "got $x"'`,
    )
    await terminal.shows(new RegExp(`${TIME} Go on\\?`))
    await terminal.enter('yes')
    await terminal.shows(/got yes/)
    await terminal.prompts(0)
  })

  test('leave the keyboard to the command', async () => {
    const terminal = await Terminal.open()
    await terminal.enter(`$L --timestamps ${uniqueName('stamps')} sh -c 'echo begun; sleep 60'`)
    await terminal.shows(new RegExp(`${TIME} begun`))
    await terminal.press('C-c')
    await terminal.prompts(130)
  })
})

describe('a command whose output takes its way through us', () => {
  test('dies of SIGPIPE when our reader has gone, as without us', async () => {
    const through = ['bash', '-c', '"$0" "$@" | head -n 1; echo "$PIPESTATUS"']
    const ended = await runLocker(['--timestamps', uniqueName('pipe'), 'yes'], { through })
    expect(ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^${TIME} y\n141\n$`)),
      stderr: '',
    })
  })

  test('waits for a reader that does not read, and we use no CPU meanwhile', async () => {
    const fifo = unreadFifo()
    const name = uniqueName('pipe')
    const notes = join(scratch(), 'notes')
    const script = `echo $$ >${notes}; seq 10000000`
    const runner = startLocker(['--timestamps', name, 'sh', '-c', script], { stdio: ['ignore', fifo, 'pipe'] })
    const written = () => ioOf(Number(readFileSync(notes, 'utf8'))).join()
    await patiently(
      () => statSync(notes, { throwIfNoEntry: false })?.size,
      () => runner.stderr,
    )
    let before = ''
    await patiently(
      async () => {
        const now = `${written()} ${cpuOf(runner.pid)}`
        const isStill = now === before
        before = now
        await new Promise((resolve) => setTimeout(resolve, 300))
        return isStill
      },
      () => 'it never stands still',
    )
    // The first two end the command, one more the wait for the reader.
    const ended = async () => {
      runner.kill('SIGTERM')
      return runner.hasEnded
    }
    await patiently(ended, () => 'it never ends')
    expect((await runner.ends()).code).not.toBe(0)
  })

  test('leaves a daemon that is not hurt, and that keeps us no longer', async () => {
    const name = uniqueName('pipe')
    const notes = join(scratch(), 'notes')
    const daemon = `: ${name}; i=0; while sleep 0.05 && echo line; do i=$((i + 1)); echo $i >${notes}; done`
    const runner = startLocker(['--timestamps', name, 'sh', '-c', `setsid sh -c '${daemon}' & echo "pid $!."`])
    const [, pid] = await runner.prints(/pid (\d+)\.$/m)
    onTestFinished(() => void (runs(Number(pid)) && process.kill(-Number(pid), 'SIGKILL')))
    expect(await runner.ends()).toMatchObject({ code: 0, stderr: expect.stringContaining('its output still open') })
    const count = () => Number(readFileSync(notes, 'utf8'))
    const before = count()
    await patiently(
      () => count() > before + 5,
      () => 'the daemon writes no more',
    )
  })

  test('is heard to its end though its last words come from a process that outlives it', async () => {
    const ended = await runLocker([
      '--timestamps',
      uniqueName('pipe'),
      'sh',
      '-c',
      '(sleep 0.3; echo late) & echo early',
    ])
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/early\n[\s\S]*late\n$/), stderr: '' })
  })

  test.each([
    [[QUIET], ''],
    [['--timestamps'], `${TIME} `],
  ])('is heard to its end by %j though somebody kills us', async (options, stamp) => {
    const name = uniqueName('pipe')
    const dir = scratch()
    const [out, log, begun] = [join(dir, 'out'), join(dir, 'log'), join(dir, 'begun')]
    // Without what sh says of its sleep that is ended.
    const script = `exec 2>/dev/null; trap 'seq 20000; echo last; exit 0' TERM; echo first; touch ${begun}; while :; do sleep 0.1; done`
    const fd = openSync(out, 'w')
    const runner = startLocker([...options, '--tee', log, name, 'sh', '-c', script], { stdio: ['ignore', fd, 'pipe'] })
    closeSync(fd)
    // What is in our hands at that moment is lost.
    const hasFirst = () =>
      /first/.test(readFileSync(log, 'utf8')) && (heldBack(runner.pid) > 0 || statSync(out).size > 0)
    await patiently(
      () => statSync(begun, { throwIfNoEntry: false }) && hasFirst(),
      () => runner.stderr,
    )
    runner.kill('SIGKILL')
    await patiently(
      () => processesWith(name).length === 0,
      () => `still there: ${processesWith(name)}`,
    )
    const all = new RegExp(`^${stamp}first\n(${stamp}\\d+\n){20000}${stamp}last\n$`)
    const read = (file: string) => readFileSync(file, 'utf8')
    await patiently(
      () => all.test(read(out)) && all.test(read(log)),
      () => JSON.stringify([out, log].map((file) => [read(file).slice(0, 200), read(file).slice(-200)])),
    )
  })

  test('can open its streams anew, and has no file of ours', async () => {
    const script = 'echo out >/dev/stdout; echo err >/dev/stderr; ls /proc/self/fd | sort -n | tail -n 1'
    const through = ['sh', '-c', '"$0" "$@" 2>&1 | cat']
    const run = (...options: string[]) => runLocker([...options, uniqueName('pipe'), 'sh', '-c', script], { through })
    const [plain, piped] = await Promise.all([run(), run('--tee', join(scratch(), 'log'))])
    expect(plain.stdout).toMatch(/^out\nerr\n\d+\n$/)
    expect(piped.stdout).toBe(plain.stdout)
  })
})

/** As `seq` counts. */
function numbers(last: number): string {
  return Array.from({ length: last }, (_, n) => `${n + 1}\n`).join('')
}

function unreadFifo(): number {
  const path = join(scratch(), 'fifo')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR)
  onTestFinished(() => closeSync(fd))
  return fd
}

function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
}

/** How many bytes are in a process's files without a name. */
function heldBack(pid: number): number {
  const nameless = readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    return readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(' (deleted)')
  })
  return nameless.reduce((sum, fd) => sum + statSync(`/proc/${pid}/fd/${fd}`).size, 0)
}

/** How much a process and its children have written. */
function ioOf(pid: number): string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return [String(pid), ...children].map((id) => /wchar: (\d+)/.exec(readFileSync(`/proc/${id}/io`, 'utf8'))?.[1] ?? '')
}

/** In clock ticks. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
