import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { asOrdinaryUser } from '../../scripts/provide/ordinary-user.ts'
import { LOCKER, Running, runLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const HOURLY = ['--schedule', '7 * * * *']
const address = () => ['--http-addr', inject('consulAddress')]

/** Words that a shell, cron or systemd would make something else of. */
const WORDS = [
  '',
  'two words',
  `it's`,
  `"double" 'single'`,
  '$HOME $(id) `id`',
  'date +%Y-%m-%d %H %%',
  `${String.raw`a\nb\\c\'d\%e\\%f`}\\`,
  '~ * ? [a-z] {a,b} ! # & ; | < > ( )',
  ';',
  '-x',
  '@:+!-',
  'tab\there',
  'äöü €',
]

/** A command that writes its arguments to a file. */
function noteWords(): { note: string; words(): string[] } {
  const dir = scratch()
  const note = join(dir, 'note words')
  writeFileSync(note, `#!/bin/sh\nprintf '%s\\0' "$@" >'${dir}/words'\n`)
  chmodSync(note, 0o755)
  return { note, words: () => readFileSync(join(dir, 'words'), 'utf8').split('\0').slice(0, -1) }
}

/** What cron does with the sixth field: percent signs, then its shell and its environment. */
function asCron(line: string): { status: number | null; stderr: string } {
  const command = line
    .split(' ')
    .slice(5)
    .join(' ')
    .replaceAll(/\\([\\%])/g, '$1')
  const env = { HOME: '/', LOGNAME: 'root', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' }
  return spawnSync('/bin/sh', ['-c', command.trimEnd()], { encoding: 'utf8', env, cwd: '/' })
}

describe('consul-locker crontab', () => {
  test('prints a line that runs exactly these words under the lock, as cron runs it', async () => {
    const [{ note, words }, name] = [noteWords(), uniqueName('cron')]
    const printed = await runLocker(['crontab', ...HOURLY, ...address(), name, note, ...WORDS])
    expect(printed).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^7 \* \* \* \* \/.*\n$/) })
    expect(printed.stdout).toContain(` ${LOCKER} run `)
    expect(asCron(printed.stdout)).toMatchObject({ status: 0, stderr: '' })
    expect(words()).toEqual(WORDS)
  })

  test('knows a line for the shell, and locks a name that is a command of ours', async () => {
    const dir = scratch()
    const line = `echo "$CONSUL_LOCKER_NAME" 50% >'${dir}/done'`
    const printed = await runLocker(['crontab', ...HOURLY, ...address(), 'wait', '-c', line])
    expect(asCron(printed.stdout)).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(join(dir, 'done'), 'utf8')).toBe('wait 50%\n')
  })

  test.each(['true', '-x'])('locks a name that an option would take for its own: %s', async (name) => {
    const words = ['crontab', ...HOURLY, ...address(), '-q', '--', name, '-c', 'echo "$CONSUL_LOCKER_NAME" >&2']
    const printed = await runLocker(words)
    expect(asCron(printed.stdout)).toMatchObject({ status: 0, stderr: `${name}\n` })
  })

  test('gives full paths: ours as we were called, the command, files of options', async () => {
    const dir = scratch()
    mkdirSync(join(dir, 'bin'))
    symlinkSync(LOCKER, join(dir, 'bin/consul-locker'))
    writeFileSync(join(dir, 'bin/job'), '#!/bin/sh\n', { mode: 0o755 })
    const env = { PATH: `bin:${process.env.PATH}`, CONSUL_HTTP_ADDR: undefined }
    const options = [
      '--token-file',
      'token',
      '--ca-path=cas',
      '--gate',
      'file:x',
      '--gate',
      'tcp:db:1',
      '-n',
      '-E',
      '0',
    ]
    const words = ['crontab', ...HOURLY, '--user', 'app', ...options, 'report', 'job', 'job']
    const running = new Running(
      spawn('sh', ['-c', 'exec consul-locker "$@"', 'sh', ...words], {
        cwd: dir,
        env: { ...env, PATH: `bin:${process.env.PATH}` },
      }),
    )
    const { stdout, stderr } = await running.ends()
    expect(stderr).toBe('')
    const paths = `--token-file ${dir}/token --ca-path ${dir}/cas`
    expect(stdout).toBe(
      `7 * * * * app ${dir}/bin/consul-locker run --no-wait --conflict-exit-code 0 --gate file:x --gate tcp:db:1 ${paths} report ${dir}/bin/job job\n`,
    )
  })

  test.each([
    [['--require-healthy'], ['--require-healthy=true']],
    [['--require-healthy=web'], ['--require-healthy=web']],
    [
      ['--quiet=1', '--no-wait=0'],
      ['--no-wait=false', '--http-addr', inject('consulAddress'), '--quiet'],
    ],
    [
      ['--on-lost', 'USR1', '--on-lost', 'echo "lost" 5%'],
      ['--on-lost', 'USR1', '--on-lost', `'echo "lost" 5'\\%`],
    ],
    [
      ['--ping', 'https://hc-ping.com/x?create=1'],
      ['--ping', `'https://hc-ping.com/x?create=1'`],
    ],
  ])('prints the options %j as they were given', async (given, printed) => {
    const { stdout } = await runLocker(['crontab', ...HOURLY, ...given, ...address(), 'report', 'true'])
    expect(stdout).toContain(` ${printed.join(' ')} `)
  })

  test('warns of what only works here', async () => {
    const dir = scratch()
    mkdirSync(join(dir, 'w'))
    for (const name of ['in.csv', 'w/out', 'plain']) writeFileSync(join(dir, name), '')
    const env = { CONSUL_LOCKER_WAIT: '5', CONSUL_HTTP_TOKEN: 'secret-1', CONSUL_NAMESPACE: 'n' }
    const words = [
      'crontab',
      ...HOURLY,
      ...address(),
      '--token',
      'secret-2',
      'report',
      'true',
      'in.csv',
      'w/out',
      'plain',
    ]
    const { code, stderr } = await runLocker(words, { env, cwd: dir })
    expect(code).toBe(0)
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining(
        'unknown where the run is started: CONSUL_LOCKER_WAIT (--wait), CONSUL_NAMESPACE (--namespace)',
      ),
      expect.stringContaining('the token stands in what is printed; give --token-file'),
      expect.stringContaining('in.csv is a file of this folder'),
      expect.stringContaining('w/out is a file of this folder'),
    ])
    const without = await runLocker(['crontab', ...HOURLY, ...address(), 'report', 'true'], { env })
    expect(without.stderr).toContain('CONSUL_HTTP_TOKEN (--token-file)')
    expect(without.stderr + without.stdout).not.toContain('secret')
  })

  test.each<[words: string[], code: number, complaint: RegExp]>([
    [['report', 'true'], 2, /no schedule was given \(--schedule/],
    [['--schedule', '61 * * * *', 'report', 'true'], 2, /the schedule's minute is "61"/],
    [[...HOURLY, 'report', 'echo', 'two\nlines'], 2, /a line of a crontab can't hold the word "two\\nlines" \(put/],
    [[...HOURLY, '--user', 'a b', 'report', 'true'], 2, /no name of a user/],
    [[...HOURLY, 'report'], 2, /no command was given/],
    [[...HOURLY], 2, /no lock was named \(consul-locker crontab --schedule/],
    [[...HOURLY, 'a b', 'true'], 2, /the lock name "a b"/],
    [[...HOURLY, 'report', 'no-such-command'], 127, /"no-such-command" was not found/],
    [[...HOURLY, 'report', '/etc/passwd'], 126, /can't be executed/],
    [[...HOURLY, '-n', '-w', '5', 'report', 'true'], 2, /--no-wait and --wait are two wishes/],
    [[...HOURLY, '--ttl', 'soon', 'report', 'true'], 2, /"soon" is not a duration/],
    [[...HOURLY, '--ttl', '5s', 'report', 'true'], 2, /shorter than Consul takes/],
    [[...HOURLY, '--gate', 'nonsense', 'report', 'true'], 2, /nonsense/],
    [[...HOURLY, '--release-timeout', '5s', 'report', 'true'], 2, /there is none/],
    [[...HOURLY, '--no-such', 'report', 'true'], 2, /there is no option --no-such/],
    [[...HOURLY, '--version', 'report', 'true'], 2, /there is no option --version/],
  ])('refuses %j', async (words, code, complaint) => {
    const ended = await runLocker(['crontab', ...address(), ...words])
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr.trimEnd()).toMatch(complaint)
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

/** Undoes systemd's way to show words. */
function wordsShown(line: string): string[] {
  const codes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => {
    return (
      plain ??
      (quoted ?? '').replaceAll(/\\(\d{3}|.)/g, (_, escaped: string) => {
        return escaped.length === 3 ? String.fromCharCode(Number.parseInt(escaped, 8)) : (codes[escaped] ?? escaped)
      })
    )
  })
}

/** The command line that systemd itself reads in a service: a manager that only tests, which root may not be. */
async function readBySystemd(dir: string, unit: string): Promise<string[]> {
  const analyze = await program('systemd-analyze', 'systemd')
  const manager = join(dirname(analyze.path), '../lib/systemd/systemd')
  const { words, uid, gid } = await asOrdinaryUser()
  const home = scratch()
  chownSync(home, uid, gid)
  for (const path of [dir, home, ...readdirSync(dir).map((file) => join(dir, file))]) chmodSync(path, 0o755)
  const env = { ...analyze.env, HOME: home, XDG_RUNTIME_DIR: home, SYSTEMD_UNIT_PATH: `${dir}:` }
  const [first = '', ...rest] = [...words, manager, '--user', '--test', `--unit=${unit}`]
  const { stdout, stderr } = await new Running(spawn(first, rest, { env, cwd: '/' })).ends()
  const [, ours = ''] = `${stdout}${stderr}`.split(`-> Unit ${unit}:`)
  const [, line = ''] = /^\s*Command Line: (.*)$/m.exec(ours) ?? []
  // A variable's dollar sign is doubled until the command starts.
  return wordsShown(line).map((word) => word.replaceAll('$$', '$'))
}

async function verified(dir: string): Promise<{ code: number | null; stderr: string }> {
  const { path, env } = await program('systemd-analyze', 'systemd')
  const units = readdirSync(dir).map((file) => join(dir, file))
  return new Running(spawn(path, ['verify', ...units], { env })).ends()
}

describe('consul-locker unit', () => {
  test('writes a job and its timer, which systemd reads as they are meant', async () => {
    const [dir, { note }] = [scratch(), noteWords()]
    const words = [...WORDS, 'two\nlines', '\u001b[0m']
    const options = ['--on-calendar', 'Mon *-*-* 03:30', '-n', '-E', '75', '--user', 'daemon']
    const ended = await runLocker(['unit', '--directory', dir, ...options, ...address(), 'a/job', note, ...words])
    const [service, timer] = ['service', 'timer'].map((kind) => join(dir, String.raw`consul-locker-a\x2fjob.${kind}`))
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: `${service} ${timer}\n` })
    expect(statSync(service ?? '').mode & 0o777).toBe(0o666 & ~process.umask())
    expect(await verified(dir)).toMatchObject({ code: 0, stderr: '' })
    const ours = ['run', '--no-wait', '--conflict-exit-code', '75', ...address(), 'a/job']
    expect(await readBySystemd(dir, String.raw`consul-locker-a\x2fjob.service`)).toEqual([
      LOCKER,
      ...ours,
      note,
      ...words,
    ])
  })

  test('writes a service that systemd has nothing to say against, as often as it is asked', async () => {
    const dir = scratch()
    const words = ['unit', '--directory', dir, ...address(), '--ttl', '20s', 'mailer', 'sleep', '60']
    for (const _ of [1, 2]) expect(await runLocker(words)).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(dir)).toEqual(['consul-locker-mailer.service'])
    expect(readFileSync(join(dir, 'consul-locker-mailer.service'), 'utf8')).toContain('\nWatchdogSec=40\n')
    expect(await verified(dir)).toMatchObject({ code: 0, stderr: '' })
  })

  test('prints them as systemctl cat does', async () => {
    const { stdout } = await runLocker(['unit', '--on-calendar', 'daily', ...address(), 'report', 'true'])
    expect(stdout.split('\n').filter((line) => /^# \/|^\[/.test(line))).toEqual([
      '# /etc/systemd/system/consul-locker-report.service',
      '[Unit]',
      '[Service]',
      '# /etc/systemd/system/consul-locker-report.timer',
      '[Unit]',
      '[Timer]',
      '[Install]',
    ])
  })

  test('warns of a busy lock that would count as a failure, and of a service that gives up', async () => {
    const said = async (...words: string[]) =>
      (await runLocker(['unit', ...address(), ...words, 'report', 'true'])).stderr
    expect(await said('--on-calendar', 'daily', '-n')).toMatch(/systemd takes for a failure; give it a code of its own/)
    expect(await said('--on-calendar', 'daily', '-n', '-E', '0')).toBe('')
    expect(await said('-w', '5')).toMatch(/without --on-calendar it is a service that waits for its turn/)
    expect(await said('--once-per', '1h')).toMatch(/without --on-calendar it is a service that is started anew/)
    expect(await said('--on-calendar', 'daily', '--once-per', '1h', '--skip-code', '9')).toBe('')
  })

  test.each<[words: string[], code: number, complaint: RegExp]>([
    [['--on-calendar', 'now\n[Service]', 'report', 'true'], 2, /no calendar event of systemd's/],
    [['--user', '%i', 'report', 'true'], 2, /no name of a user/],
    [['--directory', '/no/such/folder', 'report', 'true'], 1, /\/no\/such\/folder\/.* can't be written: no such file/],
    [['report', 'no-such-command'], 127, /not found/],
  ])('refuses %j', async (words, code, complaint) => {
    const ended = await runLocker(['unit', ...address(), ...words])
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toMatch(complaint)
  })
})
