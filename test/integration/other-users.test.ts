import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { initScript } from '../kit/init-script.ts'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { STRANGER, squat } from '../kit/other-user.ts'
import { runs } from '../kit/processes.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()

/** A secret of root's, which nobody may write to through us. */
function secretIn(dir: string): string {
  const file = join(dir, 'secret')
  writeFileSync(file, 'secret', { mode: 0o600 })
  return file
}

/** A folder where all users may make files, as /tmp. */
function sharedFolder(): string {
  const dir = scratch()
  chmodSync(dir, 0o1777)
  return dir
}

/** Has a shell make a link where our draft would be if its name could be guessed, and become us. */
const guessing = (target: string, file: string) => [
  'sh',
  '-c',
  `ln -s '${target}' '${file}'.$$.tmp && chown -h ${STRANGER.uid} '${file}'.$$.tmp && exec "$@"`,
  'sh',
]

/** One host's rollout from V1 to V2. */
async function rollout(): Promise<{ readonly dir: string; readonly file: string }> {
  const dir = scratch()
  const file = join(dir, 'rollout.yaml')
  const prefix = uniqueName('fleet')
  mkdirSync(join(dir, 'tests'))
  const upgrade = `upgrade: [touch ${dir}/upgraded]\nchecks: {upgrade: ${prefix}-up, validation: ${prefix}-valid}`
  writeFileSync(
    file,
    `host: dev\nprefix: ${prefix}\nversion_file: ${dir}/version\nvalidate: {dir: ${dir}/tests, allow_none: true}\n${upgrade}\n`,
  )
  writeFileSync(join(dir, 'version'), 'V1\n')
  await consul().request('PUT', `/kv/${prefix}/running_version/V1/dev`, '1')
  await consul().request('PUT', `/kv/${prefix}/current_version`, 'V2')
  return { dir, file }
}

describe('a stranger who answers in the place of runners', () => {
  test('isn’t believed by verify, though the runner was killed and the lock lost', async () => {
    const [name, dir] = [uniqueName('squatted'), scratch()]
    const asks = `echo "$CONSUL_LOCKER_RUN_ID" >${dir}/id
      i=0; while [ ! -e ${dir}/lost ] && [ $i -lt 400 ]; do i=$((i + 1)); sleep 0.1; done
      "$L" verify; echo $? >${dir}/said.new; mv ${dir}/said.new ${dir}/said`
    const runner = startLocker(['--no-guardian', name, 'sh', '-c', asks], { env: { L: LOCKER } })
    const id = await patiently(
      () => existsSync(join(dir, 'id')) && readFileSync(join(dir, 'id'), 'utf8').trim(),
      () => 'no run id',
    )
    const session = await consul().holder(`consul-locker-${name}`)
    runner.kill('SIGKILL')
    await patiently(
      () => !runs(runner.pid),
      () => 'the runner lives',
    )
    await squat([`consul-locker-${id}`], JSON.stringify({ held: true, leftMs: 3_600_000, fence: 1 }))
    await consul().destroySession(session)
    writeFileSync(join(dir, 'lost'), '')
    const said = join(dir, 'said')
    await patiently(
      () => existsSync(said),
      () => 'verify said nothing',
    )
    expect(readFileSync(said, 'utf8')).toBe('6\n')
  })

  test('can’t answer for one that is at work, or even ask it', async () => {
    const [name, dir] = [uniqueName('asked'), scratch()]
    const asks = `i=0; until [ -e /run/consul-locker/$CONSUL_LOCKER_RUN_ID.lease ]; do
      [ $((i += 1)) -lt 400 ] || exit 99; sleep 0.1; done
      stat -c '%a %u' /run/consul-locker; echo $CONSUL_LOCKER_RUN_ID
      CONSUL_HTTP_ADDR=127.0.0.1:1 "$L" verify --remaining 1s && echo ours
      setpriv --reuid ${STRANGER.uid} --clear-groups "$L" verify && echo by Consul
      setpriv --reuid ${STRANGER.uid} --clear-groups "$L" verify --remaining 1s || echo unknown`
    const ended = await runLocker([name, 'sh', '-c', asks], { env: { L: LOCKER, HOME: dir } })
    const [mode, id, ...answers] = ended.stdout.trim().split('\n')
    expect([mode, answers]).toEqual(['700 0', ['ours', 'by Consul', 'unknown']])
    expect(readdirSync('/run/consul-locker')).not.toContain(`${id}.lease`)
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/runner doesn't answer/) })
  })
})

/** Has a command in a world of mounts of its own, after these lines. */
const inWorld = (...lines: string[]) => ['unshare', '--mount', 'sh', '-ec', `${lines.join('\n')}\nexec "$@"`, 'sh']

const tmpfs = (folder: string, options = 'mode=1777') => `mount -t tmpfs -o ${options} none ${folder}`

const taken = (folder: string) => `mkdir -m 777 ${folder}; chown ${STRANGER.uid} ${folder}`

const READ_ONLY_RUN = tmpfs('/run', 'ro')

describe('the folder for what a user’s processes share', () => {
  /** Where a run's socket is, while its command can ask the runner without Consul. */
  const PLACE = `i=0; until CONSUL_HTTP_ADDR=127.0.0.1:1 "$L" verify --remaining 1s 2>/dev/null; do
    [ $((i += 1)) -lt 100 ] || exit 99; sleep 0.1; done
    ls -d /run/consul-locker/*.lease "$XDG_RUNTIME_DIR"/*/*.lease /dev/shm/*/*.lease /tmp/*/*.lease 2>/dev/null | grep "$CONSUL_LOCKER_RUN_ID"`

  test.each([
    ['below /dev/shm when /run is read-only', [READ_ONLY_RUN], '/dev/shm/consul-locker-0'],
    [
      'below /tmp when a stranger has taken that',
      [READ_ONLY_RUN, tmpfs('/dev/shm'), taken('/dev/shm/consul-locker-0'), tmpfs('/tmp')],
      '/tmp/consul-locker-0',
    ],
    [
      'not behind a stranger’s link',
      [READ_ONLY_RUN, tmpfs('/dev/shm'), `ln -s /root /dev/shm/consul-locker-0`, tmpfs('/tmp')],
      '/tmp/consul-locker-0',
    ],
    [
      'not where others may take it away',
      [READ_ONLY_RUN, tmpfs('/dev/shm', 'mode=777'), tmpfs('/tmp')],
      '/tmp/consul-locker-0',
    ],
  ])('is %s', async (_, world, folder) => {
    const ended = await runLocker([uniqueName('place'), 'sh', '-c', PLACE], {
      through: inWorld(...world),
      env: { L: LOCKER },
      cwd: '/',
    })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(dirname(ended.stdout.trim())).toBe(folder)
  })

  test('is missed with a warning, and Consul is asked', async () => {
    const world = [READ_ONLY_RUN, ...['/dev/shm', '/tmp'].map((folder) => tmpfs(folder, 'ro'))]
    const runner = startLocker([uniqueName('nowhere'), 'sh', '-c', 'read -r _; "$L" verify'], {
      through: inWorld(...world),
      env: { L: LOCKER },
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    await runner.says(/verify can't ask this run/)
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^.*warn: verify can't ask this run.*: \/run\/consul-locker: read-only file system;.*\n$/,
      ),
    })
  })

  test.each([
    ['--quiet-unless-fail', /^one\ntwo\n$/],
    ['--timestamps', /^\S+ one\n\S+ two\n$/],
  ])('is not needed for %s', async (option, output) => {
    const folders = ['/dev/shm', '/tmp', '/var/tmp']
    const ended = await runLocker(
      [option, uniqueName('nowhere'), 'sh', '-c', 'echo one; echo two >/dev/stdout; exit 3'],
      {
        through: inWorld(READ_ONLY_RUN, ...folders.map((folder) => tmpfs(folder, 'ro'))),
        cwd: '/',
      },
    )
    expect(ended).toMatchObject({ code: 3, stdout: expect.stringMatching(output) })
  })

  test.each([
    [0o700, (dir: string) => join(dir, 'consul-locker')],
    [0o777, () => `/dev/shm/consul-locker-${STRANGER.uid}`],
  ] as const)('is the user’s runtime folder unless others may write to it (%i)', async (mode, place) => {
    const dir = scratch()
    chmodSync(dir, mode)
    chownSync(dir, STRANGER.uid, STRANGER.gid)
    const ended = await runLocker([uniqueName('runtime'), 'sh', '-c', PLACE], {
      through: ['setpriv', `--reuid=${STRANGER.uid}`, `--regid=${STRANGER.gid}`, '--clear-groups'],
      env: { L: LOCKER, XDG_RUNTIME_DIR: dir },
    })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(dirname(ended.stdout.trim())).toBe(place(dir))
  })

  test('loses what killed runners left there', async () => {
    const dir = scratch()
    chmodSync(dir, 0o700)
    chownSync(dir, STRANGER.uid, STRANGER.gid)
    const options = {
      through: ['setpriv', `--reuid=${STRANGER.uid}`, `--regid=${STRANGER.gid}`, '--clear-groups'],
      env: { L: LOCKER, XDG_RUNTIME_DIR: dir },
    }
    const killed = startLocker([uniqueName('killed'), 'sh', '-c', `${PLACE}; exec sleep 60`], options)
    const socket = (await killed.prints(/.*\.lease/))[0]
    killed.kill('SIGKILL')
    await killed.ends()
    const longAgo = new Date(Date.now() - 3_600_000)
    utimesSync(socket, longAgo, longAgo)
    await runLocker([uniqueName('next'), 'sh', '-c', PLACE], options)
    expect(readdirSync(dirname(socket))).toEqual([])
  })
})

describe('a stranger who holds our names', () => {
  test('doesn’t keep a rollout from its step', async () => {
    const { dir, file } = await rollout()
    const id = createHash('sha256').update(join(dir, 'version')).digest('hex').slice(0, 32)
    await squat([`consul-locker-rollout-${id}`], '')
    expect(await runLocker(['rollout', 'step', '-f', file])).toMatchObject({ code: 0 })
    expect(existsSync(join(dir, 'upgraded'))).toBe(true)
  })

  test('doesn’t keep services from their start', async () => {
    const { dir, script } = await initScript('touch $PWD/runs; touch $(dirname $0)/runs', 'step_timeout: 2s\n')
    const { dev, ino } = statSync(script)
    await squat([`consul-locker-init-${dev}-${ino}`], '')
    const started = await runLocker(['init', script, 'start'], { cwd: dir })
    expect(started).toMatchObject({ code: 0, stdout: 'service.web: starting...SUCCESS\n' })
  })
})

describe('links that a stranger made in advance', () => {
  test('don’t have a report written through them', async () => {
    const dir = sharedFolder()
    const [secret, file] = [secretIn(scratch()), join(dir, 'report.json')]
    const ended = await runLocker(['--report-file', file, uniqueName('linked'), 'true'], {
      through: guessing(secret, file),
    })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(secret, 'utf8')).toBe('secret')
    expect(lstatSync(file).isFile()).toBe(true)
  })

  test('are replaced where the report belongs, and so is a stranger’s file', async () => {
    const dir = sharedFolder()
    const secret = secretIn(scratch())
    const [linked, made] = [join(dir, 'linked'), join(dir, 'made')]
    symlinkSync(secret, linked)
    lchownSync(linked, STRANGER.uid, STRANGER.gid)
    writeFileSync(made, '', { mode: 0o666 })
    chownSync(made, STRANGER.uid, STRANGER.gid)
    for (const file of [linked, made]) {
      expect(await runLocker(['--report-file', file, uniqueName('linked'), 'true'])).toMatchObject({
        code: 0,
        stderr: '',
      })
      expect([lstatSync(file).isFile(), lstatSync(file).uid]).toEqual([true, 0])
    }
    expect(readFileSync(secret, 'utf8')).toBe('secret')
  })

  test('don’t lead a report into another folder', async () => {
    const [dir, target] = [sharedFolder(), scratch()]
    const [reports, ours] = [join(dir, 'reports'), join(dir, 'ours')]
    writeFileSync(join(target, 'job'), 'theirs')
    for (const link of [reports, ours]) symlinkSync(target, link)
    lchownSync(reports, STRANGER.uid, STRANGER.gid)
    const report = (file: string) => runLocker(['--report-file', file, uniqueName('led'), 'true'])
    expect(await report(join(reports, 'job'))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/report file .* can't be written: .*reports is another user's link/),
    })
    expect(readFileSync(join(target, 'job'), 'utf8')).toBe('theirs')
    expect(await report(join(ours, 'job'))).toMatchObject({ code: 0 })
    expect(readFileSync(join(target, 'job'), 'utf8')).toMatch(/"ran"/)
  })

  test('don’t have a noop lockfile written through them', async () => {
    const dir = sharedFolder()
    const [secret, noop] = [secretIn(scratch()), join(dir, 'noop')]
    const { script } = await initScript('cat "$NOOP"; touch $(dirname $0)/runs', `noop_lockfile: ${noop}\n`)
    const ended = await runLocker(['init', script, 'restart'], { through: guessing(secret, noop), env: { NOOP: noop } })
    expect(ended).toMatchObject({ code: 0 })
    expect(readFileSync(secret, 'utf8')).toBe('secret')
  })

  test('don’t have a host’s version written through them', async () => {
    const { dir, file } = await rollout()
    const secret = secretIn(scratch())
    const step = await runLocker(['rollout', 'step', '-f', file], { through: guessing(secret, join(dir, 'version')) })
    expect(step).toMatchObject({ code: 0 })
    expect(readFileSync(secret, 'utf8')).toBe('secret')
    expect(readFileSync(join(dir, 'version'), 'utf8')).toBe('V2\n')
  })
})

test('a stranger’s lockfile doesn’t turn the check of a dead service off', async () => {
  const noop = join(sharedFolder(), 'noop')
  const { script } = await initScript('true', `noop_lockfile: ${noop}\n`)
  const check = () => runLocker(['check', 'service', '-f', script])
  writeFileSync(noop, '{"expires": "2099-01-01T00:00:00Z"}')
  expect(await check()).toMatchObject({ code: 0 })
  chownSync(noop, STRANGER.uid, STRANGER.gid)
  expect(await check()).toMatchObject({ code: 2 })
})
