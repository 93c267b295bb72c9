import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { program } from '../../scripts/debian.ts'
import { GUARDIAN_SCRIPT, MARKER_VARIABLE } from '../../src/child/guardian-script.ts'
import { jobShell } from '../../src/child/job-shell.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, type LockerOptions, patiently, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { processesWith, runs, stateOf } from '../kit/processes.ts'
import { scratch, uniqueName } from '../kit/unique.ts'
import { Dice } from '../simulation/dice.ts'

/** What the commands have at hand: `say` writes a line to the log, with the uptime; `beat` goes on doing so. */
const SAY = `
say() { read -r up _ </proc/uptime; echo "$WHO $1 $up" >>"$LOG"; }
beat() { while :; do say "$1"; sleep 0.05; done; }
`

/** Dies on TERM. */
const PROMPT = 'trap "say term; exit 0" TERM; say begins; while :; do sleep 0.05; done'
/** A tree whose every member ignores TERM. */
const STUBBORN = 'trap "" TERM; beat child & (beat grandchild & beat orphan &); say begins; beat beats'
/** Its daemons have left the process group: one is a session leader, one is nobody's child, one ignores TERM, too. */
const DAEMONS = `
setsid sh -c "$SAY beat daemon" &
(setsid sh -c "$SAY (beat twice &)" &)
(setsid sh -c "trap '' TERM; $SAY beat stubborn" &)
say begins
wait; sleep 60
`
/** Ignores TERM, without a process whose name is a line of text in some language. */
const STRANGELY_NAMED = `
trap '' TERM
mkfifo "$LOG.never"
name() { printf "$1" >/proc/self/comm; say named; read -r _ <"$LOG.never"; }
name '\\343\\201\\202\\343\\201' & name 'of two\\nlines) S' & (name '1 (of\\ntwo' &)
say begins
name '\\377'
`
const WAITER = 'say begins; sleep 0.5; say ends'

/** One lock, those who contend for it, and the log of their commands. */
class Scene {
  readonly name = uniqueName('guarded')
  readonly log = join(scratch(), 'log')

  constructor() {
    writeFileSync(this.log, '')
    // The name stands in the environment of all that is started here.
    onTestFinished(() => {
      for (const pid of processesWith(this.name)) kill(pid, 'SIGKILL')
    })
  }

  /** Starts a run of a shell script, and waits until the script has begun. */
  async hold(script: string, args: readonly string[] = [], options: LockerOptions = {}): Promise<Running> {
    const holder = this.start('holder', script, args, options)
    await this.says('holder begins')
    return holder
  }

  /** Starts a contender that has to wait. */
  async wait(args: readonly string[] = []): Promise<Running> {
    const waiter = this.start('waiter', WAITER, args)
    await waiter.says(/waiting for/)
    return waiter
  }

  start(who: string, script: string, args: readonly string[] = [], options: LockerOptions = {}): Running {
    const env = { WHO: who, LOG: this.log, SAY, SCENE: this.name, ...options.env }
    return startLocker([...args, this.name, '/bin/sh', '-c', `${SAY}${script}`], { ...options, env })
  }

  /** The log's lines, without their times. */
  get lines(): string[] {
    return this.entries.map(({ line }) => line)
  }

  get entries(): { line: string; at: number }[] {
    const lines = readFileSync(this.log, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => ({ line: line.replace(/ [\d.]+$/, ''), at: Number(/[\d.]+$/.exec(line)) }))
  }

  async says(line: string): Promise<void> {
    await patiently(
      () => this.lines.includes(line),
      () => `the log has no ${line}: ${[...new Set(this.lines)]}`,
    )
  }

  /** What was written from a line on. */
  from(line: string): string[] {
    return this.lines.slice(this.lines.indexOf(line))
  }

  /** The guardian of a run: that shell itself, not the one that keeps its time. */
  async guardianOf(run: Running, but?: number): Promise<number> {
    const look = () => processesWith(this.name).find((pid) => pid !== but && isGuardian(pid, run.pid))
    return (await patiently(look, () => 'there is no guardian')) as number
  }

  /** Waits until nothing is left of all that was started here, guardians and their sleeps included. */
  async isEmpty(): Promise<void> {
    // In a moment: a forgotten sleep would end by itself later.
    await expect.poll(() => processesWith(this.name).map(commandLine), { timeout: 5000 }).toEqual([])
  }
}

function isGuardian(pid: number, parent: number): boolean {
  return statOf(pid)[1] === String(parent) && commandLine(pid).includes('consul-locker-guardian')
}

function commandLine(pid: number): string {
  return proc(pid, 'cmdline').replaceAll('\0', ' ')
}

function statOf(pid: number): string[] {
  const stat = proc(pid, 'stat')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

const uptime = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])

describe('a runner killed with -9', () => {
  test('takes its command with it, and the next one starts on a lock that was given back', async () => {
    const scene = new Scene()
    const holder = await scene.hold(PROMPT)
    const waiter = await scene.wait()
    holder.kill('SIGKILL')
    const ended = await waiter.ends()
    expect(ended.code).toBe(0)
    expect(scene.lines).toEqual(['holder begins', 'holder term', 'waiter begins', 'waiter ends'])
    expect(ended.stderr, 'no lock-delay').not.toContain('was cut off')
    await scene.isEmpty()
    expect(await new ConsulClient().remains(scene.name)).toEqual([])
  })

  test.each([
    ['a tree that ignores TERM', STUBBORN, ['child', 'grandchild', 'orphan', 'beats']],
    ['daemons that left the process group', DAEMONS, ['daemon', 'twice', 'stubborn']],
  ])('ends %s before the next one starts', async (_, script, members) => {
    const scene = new Scene()
    const holder = await scene.hold(script, ['--kill-after', '1s'])
    for (const member of members) await scene.says(`holder ${member}`)
    const waiter = await scene.wait()
    holder.kill('SIGKILL')
    const ended = await waiter.ends()
    expect(ended.code).toBe(0)
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    expect(ended.stderr).not.toContain('was cut off')
    await scene.isEmpty()
  })

  test('while it waits leaves nothing at Consul, and its place to others', async () => {
    const scene = new Scene()
    await scene.hold('say begins; until [ -e "$LOG.go" ]; do sleep 0.02; done')
    const waiter = await scene.wait()
    waiter.kill('SIGKILL')
    const consul = new ConsulClient()
    await patiently(
      async () => (await consul.sessions(scene.name)).length === 1,
      () => 'the waiter’s session is left',
    )
    writeFileSync(`${scene.log}.go`, '')
    await scene.isEmpty()
    expect(scene.lines).toEqual(['holder begins'])
  })
})

describe('a runner that is stopped', () => {
  const ttl = ['--ttl', '10s', '--kill-after', '1s']

  test('for less than the TTL does not matter', async () => {
    const scene = new Scene()
    const holder = await scene.hold('say begins; until [ -e "$LOG.go" ]; do sleep 0.02; done; exit 7', ttl)
    holder.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 2000))
    holder.kill('SIGCONT')
    writeFileSync(`${scene.log}.go`, '')
    expect(await holder.ends()).toMatchObject({ code: 7, stderr: '' })
    await scene.isEmpty()
  })

  test.each([
    ['a command that dies on TERM', PROMPT],
    ['a command that ignores TERM', STUBBORN],
  ])('past its deadline finds that the guardian ended %s in time, and says so', async (_, script) => {
    const scene = new Scene()
    const holder = await scene.hold(script, ttl)
    const waiter = await scene.wait()
    holder.kill('SIGSTOP')
    const stoppedAt = uptime()
    expect(await waiter.ends()).toMatchObject({ code: 0 })
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    const last = scene.entries.findLast(({ line }) => line.startsWith('holder'))
    // TTL, grace, and the margin of the arithmetic.
    expect((last?.at ?? 0) - stoppedAt).toBeLessThan(10 + 1 + 2)
    expect(stateOf(holder.pid)).toBe('T')
    holder.kill('SIGCONT')
    const ended = await holder.ends()
    expect(ended.code).toBe(6)
    expect(ended.stderr).toMatch(/error: the command was stopped, for the lock .* was lost: /)
    await scene.isEmpty()
  })
})

describe('a guardian that is killed', () => {
  test('is replaced by another that knows all: the command lives on, and is ended should the runner die', async () => {
    const scene = new Scene()
    const holder = await scene.hold(PROMPT)
    const first = await scene.guardianOf(holder)
    kill(first, 'SIGKILL')
    await holder.says(/the guardian was killed; started another/)
    const second = await scene.guardianOf(holder, first)
    const waiter = await scene.wait()
    expect(runs(second)).toBe(true)
    holder.kill('SIGKILL')
    expect((await waiter.ends()).stderr).not.toContain('was cut off')
    expect(scene.lines).toEqual(['holder begins', 'holder term', 'waiter begins', 'waiter ends'])
    await scene.isEmpty()
  })

  test('does not change the command’s exit code, and its timer does not end the command later', async () => {
    const scene = new Scene()
    const args = ['--ttl', '10s', '--renew', '3s']
    const holder = await scene.hold('say begins; until [ -e "$LOG.go" ]; do sleep 0.02; done; exit 7', args)
    for (let last: number | undefined, times = 0; times < 5; times++) {
      last = await scene.guardianOf(holder, last)
      await new Promise((resolve) => setTimeout(resolve, 2200))
      kill(last, 'SIGKILL')
    }
    writeFileSync(`${scene.log}.go`, '')
    expect((await holder.ends()).code).toBe(7)
    await scene.isEmpty()
  })

  test('again and again, faster than one can be started, costs the command', async () => {
    const scene = new Scene()
    const holder = await scene.hold(PROMPT)
    const hunt = setInterval(() => {
      for (const pid of processesWith(scene.name)) if (isGuardian(pid, holder.pid)) kill(pid, 'SIGKILL')
    }, 20)
    onTestFinished(() => clearInterval(hunt))
    const ended = await holder.ends()
    clearInterval(hunt)
    expect(ended.code).toBe(6)
    expect(ended.stderr).toContain('no guardian could be kept alive')
    expect(scene.lines).toEqual(['holder begins', 'holder term'])
    await scene.isEmpty()
    expect(await new ConsulClient().remains(scene.name)).toEqual([])
  })

  test('together with its runner leaves a timer, which ends the command and gives the lock back', async () => {
    const scene = new Scene()
    const holder = await scene.hold(STUBBORN, ['--ttl', '10s', '--kill-after', '1s'])
    const waiter = await scene.wait()
    const guardian = await scene.guardianOf(holder)
    holder.kill('SIGSTOP')
    const killedAt = uptime()
    for (const pid of [guardian, holder.pid]) kill(pid, 'SIGKILL')
    expect((await waiter.ends()).stderr).not.toContain('was cut off')
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    const last = scene.entries.findLast(({ line }) => line.startsWith('holder'))
    expect((last?.at ?? 0) - killedAt).toBeLessThan(10 + 1 + 2)
    await scene.isEmpty()
  })
})

describe('the surroundings of a guardian', () => {
  const killed = async (scene: Scene, holder: Running) => {
    const waiter = await scene.wait()
    holder.kill('SIGKILL')
    expect((await waiter.ends()).stderr).not.toContain('was cut off')
    expect(scene.from('waiter begins')).toEqual(['waiter begins', 'waiter ends'])
    await scene.isEmpty()
  }

  test.each([
    ['a minimal PATH, as cron gives', { PATH: '/usr/bin:/bin' }],
    ['an empty PATH', { PATH: '' }],
    ['neither PATH nor HOME', { PATH: undefined, HOME: undefined }],
  ])('may be %s', async (_, env) => {
    const scene = new Scene()
    // Its sleep must be found, ours not.
    const script = STUBBORN.replace('trap', 'PATH=/usr/bin:/bin; trap')
    const holder = await scene.hold(script, ['--kill-after', '1s'], { env, cwd: scratch() })
    await killed(scene, holder)
  })

  test('may be those of an unprivileged user', async ({ skip }) => {
    const scene = new Scene()
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const through = process.getuid?.() === 0 ? nobody : []
    chmodSync(scene.log, 0o666)
    chmodSync(dirname(scene.log), 0o777)
    if (through.length > 0 && !succeeds([...nobody, 'test', '-x', LOCKER])) skip('nobody may not execute the locker')
    const holder = await scene.hold(DAEMONS, ['--kill-after', '1s'], { through })
    await killed(scene, holder)
  })

  test('may have no room for it: then the command does not start', async () => {
    const scene = new Scene()
    // The kernel takes 128 kB of arguments and environment then: enough for us, too little for the guardian's script.
    const through = ['sh', '-c', 'ulimit -s 512; exec "$0" "$@"']
    const env = { FIRST: 'x'.repeat(100_000), SECOND: 'x'.repeat(26_000) }
    const ended = await runLocker([scene.name, 'sh', '-c', `echo ran >${scene.log}`], { through, env })
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: no guardian could be started: .*--no-guardian\)\n$/)
    expect(scene.lines).toEqual([])
    expect(await new ConsulClient().remains(scene.name)).toEqual([])
  })

  test('have no guardian in them with --no-guardian: then a killed runner leaves its command and its lock', async () => {
    const scene = new Scene()
    const holder = await scene.hold('exec >/dev/null 2>&1; echo $$ >"$LOG.pid"; beat begins', ['--no-guardian'])
    const command = Number(readFileSync(`${scene.log}.pid`, 'utf8'))
    expect(processesWith(scene.name).filter((pid) => isGuardian(pid, holder.pid))).toEqual([])
    holder.kill('SIGKILL')
    await holder.ends()
    expect(runs(command)).toBe(true)
    const consul = new ConsulClient()
    const session = await consul.holder(`consul-locker-${scene.name}`)
    kill(command, 'SIGKILL')
    await consul.destroySession(session)
    await scene.isEmpty()
  })

  test('are as empty after a run as they were before it', async () => {
    const scene = new Scene()
    for (const code of [0, 1, 2, 3, 4]) expect((await scene.start('short', `exit ${code}`).ends()).code).toBe(code)
    await scene.isEmpty()
  })
})

describe('a command that leaves something in the background', () => {
  const script = '{ until [ -e "$LOG.go" ]; do sleep 0.02; done; say background; } & say begins; say ends; exit 5'

  test('keeps the lock until that has ended, with --wait-group', async () => {
    const scene = new Scene()
    const holder = await scene.hold(`echo $$ >"$LOG.pid"; ${script}`, ['--wait-group'])
    const waiter = await scene.wait()
    await patiently(
      () => !runs(Number(readFileSync(`${scene.log}.pid`, 'utf8'))),
      () => 'the command has not ended',
    )
    expect(holder.hasEnded).toBe(false)
    writeFileSync(`${scene.log}.go`, '')
    expect(await holder.ends()).toMatchObject({ code: 5, stderr: '' })
    await waiter.ends()
    expect(scene.lines).toEqual(['holder begins', 'holder ends', 'holder background', 'waiter begins', 'waiter ends'])
    await scene.isEmpty()
  })

  test('gives the lock up without that, and what is left lives on', async () => {
    const scene = new Scene()
    // The background must not keep our pipes open.
    const holder = scene.start('holder', `exec >/dev/null 2>&1; ${script}`)
    expect((await holder.ends()).code).toBe(5)
    await scene.start('waiter', WAITER).ends()
    writeFileSync(`${scene.log}.go`, '')
    await scene.says('holder background')
    expect(scene.lines).toEqual(['holder begins', 'holder ends', 'waiter begins', 'waiter ends', 'holder background'])
    await scene.isEmpty()
  })
})

describe.each(['dash', 'busybox', 'bash'])('the guardian’s script in %s', (shell) => {
  /** Starts a command's tree and the script, with us for a runner. */
  async function start(script: string, graceTenths = 100) {
    const scene = new Scene()
    const { path } = await program(shell, shell)
    const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', WHO: 'command', LOG: scene.log, SAY, SCENE: scene.name }
    const marker = `CONSUL_LOCKER_RUN_ID=${scene.name}`
    const marked = { ...env, CONSUL_LOCKER_RUN_ID: scene.name }
    const command = spawn('/bin/sh', ['-c', `${SAY}${script}`], { detached: true, stdio: 'ignore', env: marked })
    await scene.says('command begins')
    const release = ['/bin/sh', '-c', 'echo "release $1 0" >>"$LOG"', 'sh']
    const words = shell === 'busybox' ? ['sh'] : []
    const eventually = ['-c', 'eval "$SCRIPT"', 'consul-locker-guardian', String(graceTenths), ...release]
    const guardian = spawn(path, [...words, ...eventually], {
      // As /bin/sh; busybox goes by its name.
      argv0: shell === 'busybox' ? shell : 'sh',
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...env, SCRIPT: GUARDIAN_SCRIPT, [MARKER_VARIABLE]: marker },
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
    tell(`arm ${group} 3000`)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
    await scene.isEmpty()
  })

  test.each([
    ['a tree that ignores TERM', STUBBORN],
    ['daemons', DAEMONS],
  ])('ends %s before it gives the lock back', async (_, script) => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(script, 5)
    await patiently(
      () => scene.lines.length > 8,
      () => 'the tree does not beat',
    )
    tell(`arm ${group} 3000`)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines.at(-1)).toBe('release 0a1b')
    await scene.isEmpty()
  })

  test('ends a tree of strange names before it gives the lock back', async () => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(STRANGELY_NAMED)
    await expect.poll(() => scene.lines.filter((line) => line === 'command named').length).toBe(4)
    tell(`arm ${group} 3000`)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines.at(-1)).toBe('release 0a1b')
    await scene.isEmpty()
  })

  test('acts when it hears nothing in time, even when it is killed itself', async () => {
    const { scene, group, tell } = await start(PROMPT)
    // Long enough for a busy machine to show us both of them.
    tell(`arm ${group} 300`)
    const look = () =>
      processesWith('consul-locker-guardian').filter((pid) => proc(pid, 'environ').includes(scene.name))
    await patiently(
      () => look().length === 2,
      () => 'no timer',
    )
    for (const pid of look()) if (statOf(pid)[1] === String(process.pid)) kill(pid, 'SIGKILL')
    await scene.says('release 0a1b')
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
    await scene.isEmpty()
  })

  test.each(['arm', 'again'])(
    'does nothing as long as it is told "%s" in time, and leaves no sleep behind',
    async (word) => {
      const { scene, group, tell, hangUp, ended, complaints } = await start(PROMPT)
      tell(`arm ${group} 100`)
      for (let times = 0; times < 5; times++) {
        tell(`${word} ${group} 100`)
        await new Promise((resolve) => setTimeout(resolve, 400))
      }
      expect(scene.lines).toEqual(['command begins'])
      kill(group, 'SIGTERM')
      tell('disarm')
      tell('dismiss')
      expect([await ended, complaints()]).toEqual([0, ''])
      hangUp()
      await scene.isEmpty()
      expect(scene.lines).toEqual(['command begins', 'command term'])
    },
  )

  test('acts when it is not told any more to go on', async () => {
    const { scene, group, tell, ended } = await start(PROMPT)
    tell(`arm ${group} 100`)
    for (let times = 0; times < 3; times++) {
      await new Promise((resolve) => setTimeout(resolve, 600))
      tell('again')
    }
    expect(scene.lines).toEqual(['command begins'])
    await scene.says('release 0a1b')
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
    tell('dismiss')
    await ended
    await scene.isEmpty()
  })

  test('makes another timer when its timer was killed', async () => {
    const { scene, group, tell, ended, pid } = await start(PROMPT)
    tell(`arm ${group} 100`)
    const timer = () => processesWith('consul-locker-guardian').find((found) => statOf(found)[1] === String(pid))
    await patiently(
      () => timer() !== undefined,
      () => 'no timer',
    )
    kill(timer() as number, 'SIGKILL')
    await patiently(
      () => timer() === undefined,
      () => 'the timer lives on',
    )
    tell('again')
    await scene.says('release 0a1b')
    tell('dismiss')
    await ended
    await scene.isEmpty()
  })

  test('calculates nothing, and does nothing, on lines that nobody should write', async () => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(PROMPT)
    const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    onTestFinished(() => void stranger.kill('SIGKILL'))
    tell(`arm ${group} 3000`)
    for (const line of gibberish(new Dice(1), stranger.pid as number, `${scene.log}.trace`)) tell(line)
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(existsSync(`${scene.log}.trace`)).toBe(false)
    expect(runs(stranger.pid as number)).toBe(true)
    expect(scene.lines).toEqual(['command begins', 'command term', 'release 0a1b'])
  })

  test('only gives the lock back once it is disarmed', async () => {
    const { scene, group, tell, hangUp, ended, complaints } = await start(PROMPT)
    tell(`arm ${group} 3000`)
    tell('disarm')
    hangUp()
    expect([await ended, complaints()]).toEqual([0, ''])
    expect(scene.lines).toEqual(['command begins', 'release 0a1b'])
    kill(group, 'SIGTERM')
    await scene.isEmpty()
  })
})

test('the guardian’s script knows that a grace is a time, however many processes there are to look through', async () => {
  const scene = new Scene()
  const crowd = spawn('/bin/sh', ['-c', 'n=0; while [ $n -lt 800 ]; do sleep 60 & n=$((n + 1)); done; echo; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => kill(-(crowd.pid as number), 'SIGKILL'))
  await new Promise((resolve) => crowd.stdout.once('data', resolve))
  const holder = await scene.hold(STUBBORN, ['--kill-after', '3s'])
  const waiter = await scene.wait()
  holder.kill('SIGKILL')
  const killedAt = uptime()
  await waiter.ends()
  const last = scene.entries.findLast(({ line }) => line.startsWith('holder'))
  expect((last?.at ?? 0) - killedAt).toBeLessThan(3 + 2)
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
      `arm ${stranger} ${dice.pick([...code, ...more, '', '-1', '00', '08', '0x10', '*'])}`,
      `arm ${bad()} 0`,
      `arm ${stranger} 0 x${bad()}`,
      `arm ${stranger}`,
      `session -${bad()}`,
      `session ${dice.pick(code)}`,
      `${dice.pick(['again', 'disarm', 'dismiss'])}${bad()}x`,
      `x${bad()} ${stranger} 0`,
    ])
  return Array.from({ length: 300 }, line)
}

describe('shellcheck', () => {
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

function succeeds([file = '', ...args]: string[]): boolean {
  if (!existsSync(LOCKER)) return false
  try {
    execFileSync(file, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
