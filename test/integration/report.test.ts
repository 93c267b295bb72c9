import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { STRANGER } from '../kit/other-user.ts'
import { startProxy } from '../kit/proxy.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const freshFile = () => join(scratch(), 'report.json')
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))
const anyUuid = expect.stringMatching(/^[0-9a-f-]{36}$/)

describe('the report file tells', () => {
  test('that the command ran, and how it ended', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    await runLocker(['--report-file', file, name, 'sh', '-c', 'exit 6'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(read(file)).toEqual({
      name,
      key: `consul-locker-${name}`,
      command: ['sh'],
      runId: anyUuid,
      outcome: 'ran',
      childExit: 6,
      code: 6,
      fence: expect.any(Number),
      waitedMs: expect.toSatisfy(Number.isInteger),
      ranMs: expect.toSatisfy(Number.isInteger),
    })
    expect(readdirSync(join(file, '..'))).toEqual(['report.json'])
  })

  test('which signal killed the command', async () => {
    const file = freshFile()
    await runLocker(['--report-file', file, uniqueName('report'), 'sh', '-c', 'kill -KILL $$'])
    expect(read(file)).toMatchObject({ outcome: 'ran', childExit: 137, signal: 'SIGKILL' })
  })

  test('that the lock was busy', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    expect((await runLocker(['--no-wait', '--report-file', file, name, 'true'])).code).toBe(1)
    expect(read(file)).toMatchObject({ name, outcome: 'busy' })
    expect(read(file)).not.toHaveProperty('childExit')
  })

  test('that the lock was lost', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    const consul = new ConsulClient()
    const runner = startLocker([name, 'sleep', '60'], { env: { CONSUL_LOCKER_REPORT_FILE: file } })
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect((await runner.ends()).code).toBe(6)
    expect(read(file)).toMatchObject({
      outcome: 'lost',
      loss: expect.stringMatching(/^(session-gone|key-released)$/),
      fence: expect.any(Number),
    })
  })

  test('that the wait was interrupted', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    const waiter = startLocker(['--report-file', file, name, 'true'])
    await waiter.says(/waiting for/)
    waiter.kill('SIGTERM')
    expect((await waiter.ends()).code).toBe(143)
    expect(read(file)).toMatchObject({ outcome: 'interrupted', signal: 'SIGTERM' })
  })

  test('what failed', async () => {
    const file = freshFile()
    const args = ['--no-wait', '--report-file', file, uniqueName('report'), 'true']
    expect((await runLocker(args, { address: 'http://127.0.0.1:1' })).code).toBe(3)
    expect(read(file)).toMatchObject({ outcome: 'unreachable', message: expect.stringContaining("can't be reached") })
  })
})

describe('a report goes', () => {
  const reports = (file: string, more: object = {}) =>
    runLocker(['--report-file', file, uniqueName('report'), 'sh', '-c', 'echo at work >&2'], more)

  test('behind what a log got before it, when it is to go to standard error', async () => {
    const log = join(scratch(), 'log')
    for (const mode of ['>', '>>']) {
      const ended = await reports('/dev/stderr', {
        through: ['sh', '-c', `{ echo before >&2; "$@"; echo after >&2; } 2${mode}"${log}"`, 'sh'],
      })
      expect(ended.code).toBe(0)
    }
    const line = expect.stringMatching(/^[{].*"outcome":"ran".*[}]$/)
    const block = ['before', 'at work', line, 'after']
    expect(readFileSync(log, 'utf8').trimEnd().split('\n')).toEqual([...block, ...block])
  })

  test('to a pipe, and doesn’t wait for a reader who never comes', async () => {
    const fifo = join(scratch(), 'fifo')
    execFileSync('mkfifo', [fifo])
    const silent = await reports(fifo)
    expect(silent).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/warn: the report \S+ could not be written: /),
    })
    const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] })
    const read = text(reader.stdout)
    // Opens only when somebody reads.
    const kept = openSync(fifo, 'w')
    expect(await reports(fifo)).toMatchObject({ code: 0, stderr: 'at work\n' })
    closeSync(kept)
    expect(JSON.parse(await read)).toMatchObject({ outcome: 'ran' })
    expect(lstatSync(fifo).isFIFO()).toBe(true)
  })

  test('into a file whose mode and owner stay, and where its link leads to', async () => {
    const dir = scratch()
    const [file, link] = [join(dir, 'report.json'), join(dir, 'link')]
    writeFileSync(file, 'an older one')
    chmodSync(file, 0o640)
    chownSync(file, STRANGER.uid, STRANGER.gid)
    symlinkSync('report.json', link)
    for (const name of [file, link]) {
      writeFileSync(file, 'an older one')
      expect(await reports(name)).toMatchObject({ code: 0, stderr: 'at work\n' })
      const { mode, uid, gid } = statSync(file)
      expect([mode & 0o7777, uid, gid]).toEqual([0o640, STRANGER.uid, STRANGER.gid])
      expect(read(file)).toMatchObject({ outcome: 'ran' })
    }
    expect(readlinkSync(link)).toBe('report.json')
    expect(readdirSync(dir).sort()).toEqual(['link', 'report.json'])
  })

  test('into a file that is a mount of its own', async () => {
    const dir = scratch()
    const [file, own] = [join(dir, 'report.json'), join(dir, 'own')]
    for (const name of [file, own]) writeFileSync(name, 'x'.repeat(5000))
    const mounted = `mount --bind '${own}' '${file}' && exec "$@"`
    expect(await reports(file, { through: ['unshare', '--mount', 'sh', '-c', mounted, 'sh'] })).toMatchObject({
      code: 0,
      stderr: 'at work\n',
    })
    expect(read(own)).toMatchObject({ outcome: 'ran' })
    expect(readdirSync(dir).sort()).toEqual(['own', 'report.json'])
  })

  test('into a file that is ours in a folder that isn’t', async () => {
    const dir = scratch()
    const file = join(dir, 'report.json')
    chmodSync(dir, 0o755)
    writeFileSync(file, 'x'.repeat(5000))
    chownSync(file, STRANGER.uid, STRANGER.gid)
    const stranger = ['setpriv', `--reuid=${STRANGER.uid}`, `--regid=${STRANGER.gid}`, '--clear-groups']
    expect(await reports(file, { through: stranger })).toMatchObject({ code: 0, stderr: 'at work\n' })
    expect(read(file)).toMatchObject({ outcome: 'ran' })
    expect(readdirSync(dir)).toEqual(['report.json'])
  })

  test('nowhere on a disk that is full by then, which leaves the one before as it was', async () => {
    const dir = scratch()
    const fill = `cat /dev/zero >'${dir}/fill' 2>/dev/null`
    const ended = await runLocker(['--report-file', `${dir}/report.json`, uniqueName('report'), 'sh', '-c', fill], {
      through: [
        'unshare',
        '--mount',
        'sh',
        '-c',
        `mount -t tmpfs -o size=64k none '${dir}' && echo older >'${dir}/report.json' && "$@"
        echo $?; rm '${dir}/fill'; ls -A '${dir}'; cat '${dir}/report.json'`,
        'sh',
      ],
    })
    expect(ended.stderr).toMatch(/^consul-locker: warn: the report \S+ could not be written: no space left on device\n/)
    expect(ended.stdout).toBe('1\nreport.json\nolder\n')
  })
})

describe('a report file that can’t be written', () => {
  test('is refused before any traffic', async () => {
    const proxy = await startProxy()
    const file = join(scratch(), 'no', 'such', 'folder')
    const ended = await runLocker(['--report-file', file, uniqueName('report'), 'true'], { address: proxy.address })
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(file)
    expect(proxy.requests).toEqual([])
  })

  test('at the end costs a warning; the command’s code passes', async () => {
    const dir = scratch()
    const file = join(dir, 'report.json')
    const script = `rm -rf '${dir}'; exit 5`
    const ended = await runLocker(['--report-file', file, uniqueName('report'), 'sh', '-c', script])
    expect(ended).toMatchObject({ code: 5 })
    expect(ended.stderr).toMatch(/warn: the report \S+ could not be written: /)
    expect(existsSync(file)).toBe(false)
  })
})
