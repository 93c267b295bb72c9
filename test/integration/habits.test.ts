import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const consul = new ConsulClient()

/** A lock that somebody holds for the whole test. */
async function held(): Promise<string> {
  const name = uniqueName('held')
  startLocker([name, 'sleep', '60'])
  await consul.holder(`consul-locker-${name}`)
  return name
}

describe('who is used to flock', () => {
  test('gives up at once with -n, after a while with -w, and with another code with -E', async () => {
    const name = await held()
    expect(await runLocker(['-n', name, 'true'])).toMatchObject({ code: 1 })
    expect(await runLocker(['--no-wait=1', name, 'true'])).toMatchObject({ code: 1 })
    expect(await runLocker(['-w', '0.2', name, 'true'])).toMatchObject({ code: 1 })
    expect(await runLocker(['-nE', '9', name, 'true'])).toMatchObject({ code: 9 })
    const both = await runLocker(['-n', '-w', '5', name, 'true'])
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('--no-wait and --wait are two wishes') })
  })

  test('has a line run by the shell with -c behind the name', async () => {
    const ended = await runLocker([uniqueName('line'), '-c', 'echo a; echo "$CONSUL_LOCK_HELD"; exit 7'])
    expect(ended).toMatchObject({ code: 7, stdout: 'a\ntrue\n', stderr: '' })
  })

  test('sees the version with -V', async () => {
    expect((await runLocker(['-V'])).stdout).toBe((await runLocker(['--version'])).stdout)
  })

  test.each<[string[], number, string]>([
    [['--timeout', '5', 'NAME', 'true'], 2, 'there is no option --timeout (did you mean --wait? see'],
    [['-x', 'NAME', 'true'], 2, 'there is no option -x (see consul-locker --help)'],
    [['NAME', '--no-wait', 'true'], 127, '(options stand before the name: consul-locker --no-wait … NAME …)'],
    [['NAME', 'date; echo hi'], 127, "(a line for the shell: consul-locker NAME -c 'date; echo hi')"],
    [['hisotry', 'backup-of-none'], 127, '(did you mean consul-locker history backup-of-none? the PATH is '],
    [['locsk'], 2, '(did you mean consul-locker locks?)'],
    [['locks', '-x'], 2, '(see consul-locker locks --help)'],
    [['trigger'], 2, 'no state was given (the states are critical, warning)'],
    [['NAME', '-c', 'date', 'x'], 2, '-c takes one line for the shell'],
    [['-http-addr=127.0.0.1:1', 'NAME', 'true'], 2, '(--http-addr has two dashes)'],
  ])('is told what helps: %j', async (words, code, sentence) => {
    const name = uniqueName('habit')
    const ended = await runLocker(words.map((word) => (word === 'NAME' ? name : word)))
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toContain(sentence.replace('NAME', name))
    expect(ended.stderr).toMatch(/^consul-locker: error: [^\n]*\n$/)
  })
})

describe('a variable that is misspelt', () => {
  test('is told of, once, and the run goes on', async () => {
    const env = { CONSUL_LOCKER_NO_WIAT: 'true' }
    const ended = await runLocker([uniqueName('outer'), 'sh', '-c', 'echo ran'], { env })
    const sentence = "CONSUL_LOCKER_NO_WIAT is no option's variable; did you mean CONSUL_LOCKER_NO_WAIT?"
    expect(ended).toMatchObject({ code: 0, stdout: 'ran\n', stderr: `consul-locker: warn: ${sentence}\n` })
  })

  test('is told of in JSON where that is asked for', async () => {
    const env = { CONSUL_LOCKER_NO_WIAT: 'true', CONSUL_LOCKER_LOG_FORMAT: 'json' }
    const ended = await runLocker(['hosts', '--label', uniqueName('none')], { env })
    const [first = ''] = ended.stderr.split('\n')
    expect(JSON.parse(first)).toMatchObject({ level: 'warn', message: expect.stringContaining('NO_WIAT') })
  })
})

test.each(['0', 'false', 'no', 'off', 'express:*', ''])(
  'DEBUG=%s, another program’s, shows nothing of ours',
  async (DEBUG) => {
    const ended = await runLocker([uniqueName('debug'), 'sh', '-c', 'echo "$DEBUG"'], { env: { DEBUG } })
    expect(ended).toMatchObject({ code: 0, stdout: `${DEBUG}\n`, stderr: '' })
  },
)

test.each(['true', '1', 'yes', 'on', '*', 'requests', 'express:*,requests'])(
  'DEBUG=%s shows our requests',
  async (DEBUG) => {
    const ended = await runLocker([uniqueName('debug'), 'true'], { env: { DEBUG } })
    expect(ended.stderr).toMatch(/debug: PUT .*\/v1\/session\/create/)
  },
)

describe('a name that somebody else chose', () => {
  /** Behind `run --` every name is the name of a lock, or a bad one: nothing of it becomes an option or a command. */
  test.each<[string, 'locked' | 'refused']>([
    ['plain', 'locked'],
    ['-n', 'locked'],
    ['--no-wait', 'locked'],
    ['--help', 'locked'],
    ['-h', 'locked'],
    ['-c', 'locked'],
    ['--', 'locked'],
    ['-', 'locked'],
    ['wait', 'locked'],
    ['run', 'locked'],
    ['status', 'locked'],
    ['release', 'locked'],
    ['--gate=cmd:touch ran', 'refused'],
    ['--report-file=ran', 'refused'],
    [':release', 'refused'],
    [':leader-duty', 'refused'],
    [':module', 'refused'],
    ['', 'refused'],
    ['a b', 'refused'],
    ['$(touch ran)', 'refused'],
    ['\x1b[2J', 'refused'],
  ])('%j is %s behind `run --`', async (name, fate) => {
    const cwd = scratch()
    const ended = await runLocker(['run', '--', name, 'sh', '-c', 'printf %s "$CONSUL_LOCKER_NAME"'], { cwd })
    if (fate === 'locked') expect(ended).toMatchObject({ code: 0, stdout: name, stderr: '' })
    else
      expect(ended).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^consul-locker: error: .*\n$/),
      })
    expect(existsSync(join(cwd, 'ran'))).toBe(false)
  })

  test.each([':release', ':leader-duty', ':module'])('%s reaches none of our internal commands', async (word) => {
    const name = await held()
    const key = `consul-locker-${name}`
    const session = await consul.holder(key)
    const ended = await runLocker([word, key, session])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(JSON.stringify(word)) })
    expect(await consul.holder(key)).toBe(session)
  })

  test('is refused when it will be a command of ours, and is locked by run', async () => {
    const ended = await runLocker(['version', 'true'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toBe(
      'consul-locker: error: version will be a command of ours (the version: consul-locker --version; to lock that name: consul-locker run [options] version …)\n',
    )
    const watch = await runLocker(['watch', '--label', 'es', '--service-id', 'es-1', '--monitor-url', 'http://h/'])
    expect(watch).toMatchObject({ code: 2, stdout: '' })
    expect(watch.stderr).toMatch(
      /: watch will be a command of ours \(service-toolkit's watch is consul-locker monitor here, /,
    )
    expect(await runLocker(['run', 'version', 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
  })
})
