import { realpathSync } from 'node:fs'
import { getPriority } from 'node:os'
import { describe, expect, test } from 'vitest'
import { lockerEnvironment, runLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** Prints each argument with a NUL behind it. */
const echo = ['sh', '-c', 'printf "%s\\0" "$@"', 'sh'] as const

/** The lines of `env -0`, as an object. */
async function environmentSeen(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<NodeJS.ProcessEnv> {
  const ended = await runLocker([...args, 'env', '-0'], { env })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const lines = ended.stdout.split('\0').filter((line) => line !== '')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

describe('the command’s words', () => {
  test.each([
    ['spaces', ['a b', ' ', '  leading and trailing  ', '\t']],
    ['quotes', ['"', "'", '`id`', '$HOME', '$(id)', '\\', '\\n', '"a\'b"', '*', '~', '!', '#', ';', '&', '|']],
    ['newlines', ['a\nb', '\n', '\r\n', 'ends with\n']],
    ['empty strings', ['', 'x', '', '']],
    ['unicode', ['häßlich', '日本語', '🔒', 'e\u0301', '\u202e', '\u00a0']],
    ['leading dashes', ['-', '-x', '--wait', '--no-wait=yes', '--unknown', '-E', '--help', '--version', '-h', '-q']],
    ['numbers', ['1e3', '0x10', '007', '1.0', 'true', 'null', '9007199254740993']],
    ['a double dash', ['--', 'x', '--', '-y']],
    ['very many', Array.from({ length: 5000 }, (_, n) => `argument ${n}`)],
  ])('reach it as they are: %s', async (_, words) => {
    const ended = await runLocker([uniqueName('words'), ...echo, ...words])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toBe(words.map((word) => `${word}\0`).join(''))
  })

  test.each([
    ['before the name', (name: string) => ['--', name]],
    ['before the command', (name: string) => [name, '--']],
    ['before both', (name: string) => ['--no-wait', '--', name, '--']],
    ['behind `run`', (name: string) => ['run', '--', name, '--']],
  ])('may have a double dash %s, which is ours', async (_, words) => {
    const name = uniqueName('dash')
    const ended = await runLocker([...words(name), ...echo, '--', name])
    expect(ended).toMatchObject({ code: 0, stdout: `--\0${name}\0`, stderr: '' })
  })

  test.each(['--help', '-h', '--version', '--no-wait'])(
    'behind the name may be %s, which is the command',
    async (word) => {
      const ended = await runLocker([uniqueName('help'), word])
      expect(ended).toMatchObject({ code: 127, stdout: '' })
      expect(ended.stderr).toContain(word)
    },
  )

  test('begin with the name that it was called by', async () => {
    const through = ['sh', '-c', 'PATH=/bin:/usr/bin exec "$0" "$@"']
    const ended = await runLocker([uniqueName('zero'), 'sh', '-c', 'tr "\\0" "\\n" </proc/$$/cmdline | head -n 1'], {
      through,
    })
    expect(ended.stdout).toBe('sh\n')
  })
})

describe('the command', () => {
  test('runs in our working directory', async () => {
    const cwd = scratch()
    const ended = await runLocker([uniqueName('cwd'), 'pwd', '-P'], { cwd })
    expect(ended.stdout).toBe(`${realpathSync(cwd)}\n`)
  })

  test('is found by a path relative to our working directory', async () => {
    expect(await runLocker([uniqueName('relative'), './sh', '-c', 'exit 3'], { cwd: '/bin' })).toMatchObject({
      code: 3,
    })
  })

  test('keeps our umask, limits and priority', async () => {
    const through = ['sh', '-c', 'umask 027; ulimit -c 0; exec nice -n 3 "$0" "$@"']
    const ended = await runLocker([uniqueName('limits'), 'sh', '-c', 'umask; ulimit -c; nice'], { through })
    expect(ended.stdout).toBe(`0027\n0\n${getPriority() + 3}\n`)
  })
})

describe('the command’s environment', () => {
  test('is ours, with what it may want to know of its lock', async () => {
    const name = uniqueName('environment')
    const given = { ODD: 'a\nb "c" $d', EMPTY: '', 'with.dot': '1', LANG: 'C' }
    const seen = await environmentSeen([name], given)
    const { CONSUL_LOCKER_SESSION, CONSUL_LOCKER_FENCE, CONSUL_LOCKER_RUN_ID, CONSUL_LOCKER_SESSIONS, ...rest } = seen
    const marker = Object.keys(rest).find((variable) => /^CONSUL_LOCKER_RUN_[0-9a-f_]{36}$/.test(variable)) ?? ''
    expect(rest).toEqual({
      ...lockerEnvironment({ env: given }),
      CONSUL_LOCK_HELD: 'true',
      CONSUL_LOCKER_NAME: name,
      CONSUL_LOCKER_KEY: `consul-locker-${name}`,
      // It tells the run's processes, those of runs inside it included. Nobody else may know it.
      [marker]: '1',
    })
    expect(CONSUL_LOCKER_SESSION).toMatch(/^[0-9a-f-]{36}$/)
    expect(CONSUL_LOCKER_SESSIONS).toBe(CONSUL_LOCKER_SESSION)
    expect(CONSUL_LOCKER_RUN_ID).toMatch(/^[0-9a-f-]{36}$/)
    expect(marker).not.toContain(CONSUL_LOCKER_RUN_ID?.replaceAll('-', '_'))
    expect(CONSUL_LOCKER_FENCE).toMatch(/^[1-9]\d*$/)
  })

  test('names another key, and a fence that grows from run to run', async () => {
    const name = uniqueName('fence')
    const first = await environmentSeen(['--key', `some/${name}`, name])
    const second = await environmentSeen(['--key', `some/${name}`, name])
    expect(second).toMatchObject({ CONSUL_LOCKER_NAME: name, CONSUL_LOCKER_KEY: `some/${name}` })
    expect(Number(second.CONSUL_LOCKER_FENCE)).toBeGreaterThan(Number(first.CONSUL_LOCKER_FENCE))
  })

  test('has our names in place of inherited ones', async () => {
    const name = uniqueName('inherited')
    const env = { CONSUL_LOCK_HELD: 'no', CONSUL_LOCKER_NAME: 'other', CONSUL_LOCKER_FENCE: '1' }
    const seen = await environmentSeen([name], env)
    expect(seen).toMatchObject({ CONSUL_LOCK_HELD: 'true', CONSUL_LOCKER_NAME: name })
    expect(Number(seen.CONSUL_LOCKER_FENCE)).toBeGreaterThan(1)
  })

  test.each([
    ['a module that is not there', '--require /nonexistent'],
    ['an option that Node does not know', '--bogus'],
    ['an option that opens a port', '--inspect=127.0.0.1:1'],
    ['a sane one', '--max-old-space-size=64 --no-warnings'],
  ])('has its NODE_OPTIONS, which are nothing to us: %s', async (_, NODE_OPTIONS) => {
    expect((await environmentSeen([uniqueName('node')], { NODE_OPTIONS })).NODE_OPTIONS).toBe(NODE_OPTIONS)
  })

  test('may be one where Node itself would behave oddly', async () => {
    const env = {
      NODE_V8_COVERAGE: '',
      NODE_PENDING_DEPRECATION: '1',
      NODE_NO_WARNINGS: '0',
      UV_THREADPOOL_SIZE: '1',
      HTTP_PROXY: 'http://127.0.0.1:1',
      NODE_USE_ENV_PROXY: '1',
    }
    expect(await environmentSeen([uniqueName('odd')], env)).toMatchObject(env)
  })
})
