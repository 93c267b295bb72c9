import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import {
  ENDED_VARIABLE,
  GUARDIAN_VARIABLE,
  guardianArguments,
  MARKER_VARIABLE,
} from '../../../src/child/guardian-arguments.ts'
import { GUARDIAN_SCRIPT } from '../../../src/child/guardian-script.ts'
import { type GuardianOptions, GuardianSupervisor } from '../../../src/child/guardian-supervisor.ts'
import { processesWith } from '../../kit/processes.ts'
import { SILENT } from '../../virtual/silent-log.ts'

const WHILE = { timeout: 20_000 }

/** A command in a group of its own that says when it has begun. */
async function begun(script = 'true', environment: NodeJS.ProcessEnv = {}) {
  const child = spawn('/bin/sh', ['-c', `${script}; echo begun; while :; do sleep 0.05; done`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  })
  const ended = once(child, 'exit')
  const group = child.pid as number
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-group, 'SIGKILL')
  })
  await once(child.stdout, 'data')
  return { child, group, ended }
}

/**
 * A `sleep` for the front of a PATH that lasts until the test lets it go: so long no time is over, however late a busy
 * machine is. From then on it is a short one.
 */
function heldSleep() {
  const path = mkdtempSync(join(tmpdir(), 'guardian-sleep-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  const [begun, free] = [join(path, 'begun'), join(path, 'free')]
  const sleep = execFileSync('which', ['sleep'], { encoding: 'utf8' }).trim()
  const script = `echo "$1" >>${begun}; until [ -e ${free} ] || [ ! -d ${path} ]; do ${sleep} 0.02; done; exec ${sleep} 0.02`
  writeFileSync(join(path, 'sleep'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return {
    environment: { ...process.env, PATH: `${path}:${process.env.PATH}` },
    /** Waits until these have begun, in seconds, rounded up. */
    hasBegun: (...times: number[]) =>
      vi.waitFor(() => {
        const all = readFileSync(begun, 'utf8').trim().split('\n')
        expect(all.map((time) => Math.ceil(Number(time)))).toEqual(times)
      }, WHILE),
    letGo: () => writeFileSync(free, ''),
  }
}

/** A guardian whose way to give a lock back is a note in a file; by the name of that its processes are known. */
function guardian(about: Partial<GuardianOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'guardian-'))
  const note = join(folder, 'note')
  const said: string[] = []
  const one = new GuardianSupervisor(
    systemClock,
    { ...SILENT, warn: (line) => void said.push(line) },
    {
      graceMs: 20_000,
      marker: undefined,
      release: ['/bin/sh', '-c', `printf %s "$${ENDED_VARIABLE}" >"$0.ended"; echo "$1" >"$0"`, note],
      environment: process.env,
      ...about,
    },
  )
  onTestFinished(() => {
    one.dismiss()
    rmSync(folder, { recursive: true })
  })
  return {
    one,
    said,
    processes: () => processesWith(note),
    /** Waits until it has no timer. */
    isAlone: () => vi.waitFor(() => expect(processesWith(note)).toHaveLength(1), WHILE),
    kill: () => processesWith(note).forEach((pid) => void process.kill(pid, 'SIGKILL')),
    released: () => vi.waitFor(() => expect(readFileSync(note, 'utf8')).toBe('abc\n'), WHILE),
    /** How what was guarded ended, as who gives the lock back is told. */
    ended: () => readFileSync(`${note}.ended`, 'utf8'),
  }
}

/** A guardian for which no time is over until the test lets its sleeps go. */
function heldGuardian() {
  const { environment, hasBegun, letGo } = heldSleep()
  return { ...guardian({ environment }), sleepsFor: hasBegun, letGo }
}

describe('a guardian that hears nothing within the time', () => {
  const IGNORES_TERM = 'trap "" TERM'

  test.each<[string, string, number, [number, number?], NodeJS.Signals]>([
    ['ends a command by TERM', 'true', 20_000, [10], 'SIGTERM'],
    ['ends a command that ignores TERM by KILL', IGNORES_TERM, 100, [10], 'SIGKILL'],
    ['gives no second grace to a command whose grace is over', IGNORES_TERM, 600_000, [10, 0], 'SIGKILL'],
    ['gives it what is left of the grace when it hears so late', IGNORES_TERM, 600_000, [-599_900], 'SIGKILL'],
  ])('%s, and gives the lock back', async (_, script, graceMs, times, signal) => {
    const { one, released, ended } = guardian({ graceMs })
    const command = await begun(script)
    one.setSession('abc')
    one.arm(command.group, ...times)
    await command.ended
    expect(command.child.signalCode).toBe(signal)
    await released()
    expect(ended()).toBe('killed')
  })
})

describe('a guardian whose runner dies', () => {
  /** Whoever runs these tests beside us has a guardian with one of its own, which has it in its environment. */
  const NOBODY = `RUN=${randomUUID()}`

  /** Tells its shell these lines, and no more. Settles with how what it guarded ended, as it says. */
  async function endAfter(marker: string, ...lines: readonly string[]): Promise<string> {
    const release = ['/bin/sh', '-c', `printf %s "$${ENDED_VARIABLE}" >&2`, 'sh']
    const shell = spawn(
      '/bin/sh',
      guardianArguments({ signal: 'SIGTERM', graceMs: 20_000, orphanLookMs: 60_000, release }),
      {
        detached: true,
        stdio: ['pipe', 'ignore', 'pipe'],
        env: { ...process.env, [GUARDIAN_VARIABLE]: GUARDIAN_SCRIPT, [MARKER_VARIABLE]: marker },
      },
    )
    shell.stdin.end(`session abc\n${lines.map((line) => `${line}\n`).join('')}`)
    return text(shell.stderr)
  }

  test('before its command has begun says that none has', async () => {
    expect(await endAfter(NOBODY)).toBe('none')
  })

  test('as soon as its command has begun ends that, though it was never told of it', async () => {
    const marker = `RUN=${process.pid}-begun`
    const command = await begun('true', { RUN: marker.slice(4) })
    expect(await endAfter(marker)).toBe('killed')
    await command.ended
    expect(command.child.signalCode).toBe('SIGTERM')
  })

  test('ends what was about to begin, by its marker, though others had ended before', async () => {
    const command = await begun('true', { STEP_1: '1' })
    expect(await endAfter('', 'arm 4711 100 100', 'disarm', 'arm STEP_1=1 100 100')).toBe('killed')
    await command.ended
    expect(command.child.signalCode).toBe('SIGTERM')
    expect(await endAfter('', 'arm STEP_1=1 100 100')).toBe('none')
  })

  test('spares what has the marker and has left the group, once that was told', async () => {
    const [command, daemon] = await Promise.all([begun('true', { STEP_2: '1' }), begun('true', { STEP_2: '1' })])
    expect(await endAfter('', 'arm STEP_2=1 100 100', `arm ${command.group} 100 100`)).toBe('killed')
    await command.ended
    expect(daemon.child.signalCode).toBe(null)
  })

  test('says that it ended a command, though that has ended by itself', async () => {
    const command = await begun()
    process.kill(-command.group, 'SIGKILL')
    await command.ended
    expect(await endAfter(NOBODY, `arm ${command.group} 100 100`)).toBe('killed')
  })
})

describe('a guardian', () => {
  test('is ready when its shell reads, and gone when it is dismissed', async () => {
    const { one, processes, said } = guardian()
    await one.ready()
    expect(processes()).toHaveLength(1)
    one.dismiss()
    await vi.waitFor(() => expect(processes()).toEqual([]), WHILE)
    expect(one.failed.aborted).toBe(false)
    expect(said).toEqual([])
  })

  test('that was told of a new time acts at that, and at none when it is disarmed', async () => {
    const [renewed, disarmed, witness] = [heldGuardian(), heldGuardian(), heldGuardian()]
    const commands = await Promise.all([begun(), begun(), begun()])
    renewed.one.arm(commands[0].group, 3000)
    disarmed.one.arm(commands[1].group, 3000)
    await Promise.all([renewed.sleepsFor(3), disarmed.sleepsFor(3)])
    renewed.one.arm(commands[0].group, 600_000)
    disarmed.one.disarm()
    witness.one.setSession('abc')
    witness.one.arm(commands[2].group, 3000)
    await Promise.all([renewed.sleepsFor(3, 60), disarmed.isAlone(), witness.sleepsFor(3)])
    for (const { letGo } of [renewed, disarmed, witness]) letGo()
    await commands[2].ended
    expect(commands.map(({ child }) => child.signalCode)).toEqual([null, null, 'SIGTERM'])
  })

  test('that is killed is replaced by one that knows what it was told', async () => {
    const { one, kill, said, released } = guardian()
    const { child, group, ended } = await begun()
    one.setSession('abc')
    await one.ready()
    one.arm(group, 3000)
    kill()
    await vi.waitFor(() => expect(said).toEqual(['the guardian was killed; started another']), WHILE)
    await ended
    expect(child.signalCode).toBe('SIGTERM')
    await released()
  })

  test('that is killed is replaced by one that is disarmed, if it was', async () => {
    const { one, kill, said, isAlone, sleepsFor, letGo } = heldGuardian()
    const witness = guardian()
    const [spared, ended] = await Promise.all([begun(), begun()])
    one.setSession('abc')
    await one.ready()
    one.arm(spared.group, 3000)
    await sleepsFor(3)
    one.disarm()
    await isAlone()
    kill()
    await vi.waitFor(() => expect(said).toHaveLength(1), WHILE)
    letGo()
    witness.one.setSession('abc')
    witness.one.arm(ended.group, 4000)
    await ended.ended
    expect(spared.child.signalCode).toBeNull()
  })

  test('that can’t be started has failed, and says how to do without', async () => {
    // Longer than the kernel takes.
    const environment = { TOO_LONG: 'x'.repeat(1_000_000) }
    const { one } = guardian({ environment, wayOut: 'do without' })
    await expect(one.ready()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^no guardian could be started: argument list too long$/),
      hint: 'does /bin/sh work?; or do without',
    })
    one.setSession('abc')
    expect(one.failed.aborted).toBe(true)
  })

  test('that can’t be kept alive has failed, and is started no more', async () => {
    const { one, processes, kill } = guardian()
    one.setSession('abc')
    await vi.waitFor(() => {
      kill()
      expect(one.failed.aborted).toBe(true)
    }, WHILE)
    expect(one.failed.reason).toMatchObject({ code: 'usage', message: 'no guardian could be kept alive' })
    await expect(one.ready()).rejects.toThrow('no guardian could be kept alive')
    one.setSession('def')
    await vi.waitFor(() => expect(processes()).toEqual([]), WHILE)
  })
})
