import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../../../scripts/provide/debian.ts'
import { GUARDIAN_VARIABLE, guardianArguments, MARKER_VARIABLE } from '../../../src/child/guardian-arguments.ts'
import { GUARDIAN_SCRIPT } from '../../../src/child/guardian-script.ts'
import { jobShell } from '../../../src/child/job-shell.ts'
import { afterTest } from '../../kit/after-test.ts'
import { patiently } from '../../kit/locker.ts'
import { kill, processesWith, runs } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { Dice } from '../../virtual/dice.ts'
import { DAEMONS, GuardedLock, PROMPT, proc, SAY, STUBBORN, sendSignal, statOf } from './guarded-lock.ts'
import { StoppedClock } from './stopped-clock.ts'

/** Ignores TERM, without a process whose name is a line of text in some language. */
const STRANGELY_NAMED = `
trap '' TERM
mkfifo "$LOG.never"
name() { printf "$1" >/proc/self/comm; say named; read -r _ <"$LOG.never"; }
name '\\343\\201\\202\\343\\201' & name 'of two\\nlines) S' & (name '1 (of\\ntwo' &)
say begins
name '\\377'
`
/** How often what is left of a killed guardian looks after the runner. */
const LOOK_MS = 60_000

interface Surroundings {
  readonly mark?: boolean
  readonly path?: string
  /** Instead of the machine's. */
  readonly clock?: StoppedClock
}

describe.concurrent.each(['dash', 'busybox', 'bash'])('the guardian’s script in %s', (shell) => {
  /**
   * Starts a command's tree and the script, with us for a runner; the grace is in milliseconds. Without a `mark` the
   * script knows the tree by its group alone.
   */
  async function start(
    script: string,
    graceMs = 10_000,
    { mark = true, path: PATH = process.env.PATH ?? '', clock }: Surroundings = {},
  ) {
    const scene = new GuardedLock()
    const { path } = await program(shell, shell)
    const env = { PATH, LC_ALL: 'C.UTF-8', WHO: 'command', LOG: scene.log, SAY, SCENE: scene.name }
    const marker = mark ? `CONSUL_LOCKER_RUN_ID=${scene.name}` : ''
    const marked = { ...env, CONSUL_LOCKER_RUN_ID: scene.name }
    const command = spawn('/bin/sh', ['-c', `${SAY}${script}`], { detached: true, stdio: 'ignore', env: marked })
    await scene.says('command begins')
    const release = ['/bin/sh', '-c', 'echo "release $1 0" >>"$LOG"', 'sh']
    const words = shell === 'busybox' ? ['sh'] : []
    const eventually = guardianArguments({ signal: 'SIGTERM', graceMs, orphanLookMs: LOOK_MS, release })
    const guardian = spawn(path, [...words, ...eventually], {
      // As /bin/sh; busybox goes by its name.
      argv0: shell === 'busybox' ? shell : 'sh',
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: {
        ...env,
        ...(clock && { PATH: `${clock.path}:${PATH}` }),
        [GUARDIAN_VARIABLE]: clock?.script ?? GUARDIAN_SCRIPT,
        [MARKER_VARIABLE]: marker,
      },
    })
    let complaints = ''
    guardian.stderr.on('data', (chunk) => {
      complaints += chunk
    })
    const ended = new Promise<number | null>((resolve) => guardian.once('exit', resolve))
    const tell = (line: string) => guardian.stdin.write(`${line}\n`)
    tell('session 0a1b')
    return {
      scene,
      ended,
      tell,
      group: command.pid as number,
      pid: guardian.pid as number,
      hangUp: () => guardian.stdin.end(),
      complaints: () => complaints,
    }
  }

  test('ends the group at the end of its input, and gives the lock back afterwards', async () => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(PROMPT)
    tell(`arm ${group} 3000 1000`)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
    await scene.isEmpty()
  })

  test.each([
    ['a tree that ignores TERM', STUBBORN],
    ['daemons', DAEMONS],
  ])('ends %s before it gives the lock back', async (_, script) => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(script, 500)
    await patiently(
      () => scene.lines.length > 8,
      () => 'the tree does not beat',
    )
    tell(`arm ${group} 3000 1000`)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines.at(-1)).toBe('release 0a1b')
    await scene.isEmpty()
  })

  test('ends a tree of strange names before it gives the lock back', async () => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(STRANGELY_NAMED, 500)
    await patiently(
      () => scene.lines.filter((line) => line === 'command named').length === 4,
      () => `not all have their names: ${scene.lines}`,
    )
    tell(`arm ${group} 3000 1000`)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines.at(-1)).toBe('release 0a1b')
    await scene.isEmpty()
  })

  test('sees all that live though one dies while it is read', async () => {
    // Reading /proc/self/mem fails as reading of a process does that has just died.
    const wrapped = `#!/bin/sh
for word; do
  case $word in /proc/1/stat) set -- "$@" /proc/self/mem ;; esac
  set -- "$@" "$word"
  shift
done
exec ${execFileSync('which', ['sed'], { encoding: 'utf8' }).trim()} "$@"
`
    const dir = scratch()
    writeFileSync(join(dir, 'sed'), wrapped, { mode: 0o755 })
    const about = { mark: false, path: `${dir}:${process.env.PATH}` }
    const { scene, group, tell, hangUp, ended } = await start(STUBBORN, 500, about)
    await patiently(
      () => scene.lines.length > 8,
      () => 'the tree does not beat',
    )
    tell(`arm ${group} 3000 1000`)
    hangUp()
    expect(await ended).toBe(0)
    expect(scene.lines.at(-1)).toBe('release 0a1b')
    await scene.isEmpty()
  })

  test('acts when it hears nothing in time, even when it is killed itself', async () => {
    const clock = new StoppedClock()
    const { scene, group, tell } = await start(PROMPT, 10_000, { clock })
    tell(`arm ${group} 300 1000`)
    const look = () =>
      processesWith('consul-locker-guardian').filter((pid) => proc(pid, 'environ').includes(scene.name))
    await patiently(
      () => look().length === 2,
      () => 'no timer',
    )
    await clock.showsMoreThan(0)
    for (const pid of look()) if (statOf(pid)[1] === String(process.pid)) kill(pid)
    clock.advance(300)
    await scene.says('release 0a1b')
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
    await scene.isEmpty()
  })

  test.each(['arm', 'again'])(
    'does nothing as long as it is told "%s" in time, and leaves no sleep behind',
    async (word) => {
      const clock = new StoppedClock()
      const { scene, group, tell, hangUp, ended, complaints } = await start(PROMPT, 10_000, { clock })
      tell(`arm ${group} 5000 1000`)
      // In all longer than it was told, each time shorter.
      for (let times = 0; times < 3; times++) {
        await clock.showsMoreThan(1000)
        clock.advance(4000)
        tell(`${word} ${group} 5000 1000`)
      }
      await clock.showsMoreThan(1000)
      expect(scene.lines).toEqual(['command begins'])
      sendSignal(group, 'SIGTERM')
      tell('disarm')
      tell('dismiss')
      expect([await ended, complaints()]).toEqual([0, ''])
      hangUp()
      await scene.isEmpty()
      expect(scene.lines).toEqual(['command begins', 'command term'])
    },
  )

  test('acts when it is not told any more to go on', async () => {
    const clock = new StoppedClock()
    const { scene, group, tell, ended } = await start(PROMPT, 10_000, { clock })
    tell(`arm ${group} 5000 1000`)
    // In all longer than it was told, each time shorter.
    for (let times = 0; times < 3; times++) {
      await clock.showsMoreThan(1000)
      clock.advance(4000)
      tell('again')
    }
    await clock.showsMoreThan(1000)
    expect(scene.lines).toEqual(['command begins'])
    clock.advance(5000)
    await scene.says('release 0a1b')
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
    tell('dismiss')
    await ended
    await scene.isEmpty()
  })

  test('makes another timer when its timer was killed', async () => {
    const clock = new StoppedClock()
    const { scene, group, tell, ended, pid } = await start(PROMPT, 10_000, { clock })
    tell(`arm ${group} 5000 1000`)
    const timer = () => processesWith('consul-locker-guardian').find((found) => statOf(found)[1] === String(pid))
    await patiently(
      () => timer() !== undefined,
      () => 'no timer',
    )
    kill(timer() as number)
    await patiently(
      () => timer() === undefined,
      () => 'the timer lives on',
    )
    clock.advance(4000)
    tell('again')
    await clock.showsMoreThan(1000)
    clock.advance(5000)
    await scene.says('release 0a1b')
    tell('dismiss')
    await ended
    await scene.isEmpty()
  })

  test('calculates nothing, and does nothing, on lines that nobody should write', async () => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(PROMPT)
    const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    afterTest(() => void stranger.kill('SIGKILL'))
    tell(`arm ${group} 3000 1000`)
    for (const line of gibberish(new Dice(1), stranger.pid as number, `${scene.log}.trace`)) tell(line)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(existsSync(`${scene.log}.trace`)).toBe(false)
    expect(runs(stranger.pid as number)).toBe(true)
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
  })

  test('only gives the lock back once it is disarmed', async () => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(PROMPT)
    tell(`arm ${group} 3000 1000`)
    tell('disarm')
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines).toEqual(['command begins', 'release 0a1b'])
    sendSignal(group, 'SIGTERM')
    await scene.isEmpty()
  })
})

/** Lines of the guardian's words, with what should not stand behind them. */
function gibberish(dice: Dice, stranger: number, trace: string): string[] {
  const code = [`$(touch ${trace})`, `\`touch ${trace}\``, `x[$(touch\${IFS}${trace})]`, `;touch ${trace}`] as const
  const words = [
    '',
    '-',
    '--',
    '-1',
    '0',
    '1',
    '00',
    '01',
    '08',
    '0x10',
    '1e3',
    '+7',
    '*',
    '?',
    '/proc/*',
    '~',
    '\\',
  ] as const
  const more = [
    'grace',
    'group',
    'armed',
    '$grace',
    '1+1',
    '٣',
    '\u001b[2J',
    '\0',
    'é',
    '9'.repeat(20),
    'x'.repeat(70_000),
  ] as const
  const bad = () => dice.pick([...code, ...words, ...more])
  const line = () =>
    dice.pick([
      `arm ${stranger} ${dice.pick([...code, ...more, '', '-1', '00', '08', '0x10', '*'])} 0`,
      `arm ${bad()} 0 0`,
      `arm ${stranger} 0 x${bad()}`,
      `arm ${stranger} 0`,
      `arm ${stranger}`,
      `session -${bad()}`,
      `session ${dice.pick(code)}`,
      `${dice.pick(['again', 'disarm', 'dismiss'])}${bad()}x`,
      `x${bad()} ${stranger} 0`,
    ])
  return Array.from({ length: 300 }, line)
}

describe.concurrent('shellcheck', () => {
  const job = jobShell(['command'], { 'odd-name': '1' }, 'MARKER=1', { talk: 3, errors: 4 }).env
  test.each([
    ['the guardian’s script', GUARDIAN_SCRIPT],
    ['the job shell', job.CONSUL_LOCKER_JOB_SHELL],
    ['the job’s first steps', job.CONSUL_LOCKER_JOB],
  ])('has nothing to say about %s', async (_, text) => {
    const { path, env } = await program('shellcheck', 'shellcheck')
    expect(lint(path, env, text)).toBe('')
  })
})

function lint(shellcheck: string, env: NodeJS.ProcessEnv, text: string): string {
  const file = join(scratch(), 'script')
  appendFileSync(file, text)
  try {
    return execFileSync(shellcheck, ['--shell=sh', file], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (thrown) {
    return (thrown as { stdout: string }).stdout
  }
}
