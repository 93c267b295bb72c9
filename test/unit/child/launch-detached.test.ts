import { closeSync, existsSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { launchDetached } from '../../../src/child/launch-detached.ts'
import { canBeContinued } from '../../../src/child/signals.ts'
import { kill, processesWith, runs, stateOf } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { SILENT } from '../../virtual/silent-log.ts'

const CTX = { clock: systemClock, log: SILENT, signal: new AbortController().signal, random: () => 0 }
const LONG_MS = 60_000

afterEach(() => vi.restoreAllMocks())

/** A command of this script in a folder of its own, which is its marker, too. */
async function launched(script: string, environment: NodeJS.ProcessEnv = {}) {
  const folder = scratch()
  const path = (name: string) => join(folder, name)
  const [stdout, stderr] = [openSync(path('out'), 'w'), openSync(path('err'), 'w')]
  onTestFinished(() => {
    closeSync(stdout)
    closeSync(stderr)
    processesWith(folder).forEach(kill)
  })
  const child = await launchDetached({
    command: { file: '/bin/sh', words: ['sh', '-c', `cd ${folder}; ${script}`, 'name', 'a  b'] },
    environment: { ...process.env, FOLDER: folder, ...environment },
    marker: `FOLDER=${folder}`,
    streams: { stdout, stderr },
  })
  const has = (name: string) => expect.poll(() => existsSync(path(name))).toBe(true)
  const said = (name: 'out' | 'err') => readFileSync(path(name), 'utf8')
  return { child, has, said, left: () => processesWith(folder) }
}

describe('a command without a terminal', () => {
  test('has its words, its environment and its streams, and a group and a session of its own', async () => {
    const { child, said } = await launched('echo "$0" "$1" "$A"; echo oh >&2; cat /proc/$$/stat; exit 3', { A: '1' })
    expect(await child.exited).toEqual({ code: 3 })
    const [words, stat = ''] = said('out').split('\n')
    expect(words).toBe('name a  b 1')
    const [pid, , , , group, session, terminal] = stat.split(' ').map(Number)
    expect([group, session, terminal]).toEqual([pid, pid, 0])
    expect(child.group).toBe(pid)
    expect(said('err')).toBe('oh\n')
  })

  test('is told which sockets are its own', async () => {
    const { child, said } = await launched('echo $LISTEN_PID $LISTEN_FDS "$0" "$1"', {
      LISTEN_PID: String(process.pid),
      LISTEN_FDS: '0',
    })
    await child.exited
    expect(said('out')).toBe(`${process.pid} 0 name a  b\n`)
  })

  test('has them, and is their user by its own id', async () => {
    // Whatever it is: this process has it anyway.
    const socket = readlinkSync('/proc/self/fd/3')
    const { child, said } = await launched('echo $LISTEN_PID "$0" "$1"; readlink /proc/$$/fd/3; echo $$', {
      LISTEN_PID: String(process.pid),
      LISTEN_FDS: '1',
    })
    await child.exited
    expect(said('out')).toBe(`${child.group} name a  b\n${socket}\n${child.group}\n`)
  })

  test('that can’t be started says so', async () => {
    const command = { file: '/nowhere', words: ['nothing'] } as const
    const starting = launchDetached({ command, environment: {}, marker: undefined })
    await expect(starting).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('nothing') })
  })

  test('has signals passed on to all of its group', async () => {
    const { child, has } = await launched(
      '(trap ": >heard" USR1; : >ready; while :; do sleep 0.02; done) & trap : USR1; wait; wait',
    )
    await has('ready')
    child.forward('SIGUSR1')
    await has('heard')
    child.kill()
    expect(await child.exited).toEqual({ signal: 'SIGKILL' })
    await child.emptied(CTX)
  })

  test('has ended before the last of its group, which can be waited for', async () => {
    const { child } = await launched('sleep 600 &')
    await child.exited
    const emptied = child.emptied(CTX).then(() => 'empty')
    const now = new Promise((resolve) => void setImmediate(resolve, 'not yet'))
    expect(await Promise.race([emptied, now])).toBe('not yet')
    child.kill()
    expect(await emptied).toBe('empty')
  })

  test('is stopped with what has left it', async () => {
    const { child, has, left } = await launched('setsid sh -c ": >ready; exec sleep 600" & exec sleep 600')
    await has('ready')
    expect(await child.stop(CTX, LONG_MS, 'SIGHUP')).toBe(true)
    expect(await child.exited).toEqual({ signal: 'SIGHUP' })
    expect(left()).toEqual([])
  })
})

describe('a stop that was typed', () => {
  /** Signals that we have sent to ourselves, of which none arrives. */
  function toOurselves() {
    const sent: unknown[] = []
    const send = process.kill.bind(process)
    vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      if (pid !== process.pid) return send(pid, signal)
      sent.push(signal)
      return true
    })
    return sent
  }

  test('stops the command, and then us, if somebody can continue us', async () => {
    const sent = toOurselves()
    const { child, has } = await launched(': >ready; exec sleep 600')
    await has('ready')
    child.forward('SIGTSTP')
    const isStopped = canBeContinued()
    expect(sent).toEqual(isStopped ? ['SIGSTOP'] : [])
    await expect.poll(() => stateOf(child.group)).toBe(isStopped ? 'T' : 'S')
    child.forward('SIGCONT')
    await expect.poll(() => stateOf(child.group)).toBe('S')
    expect(runs(child.group)).toBe(true)
  })

  test('isn’t waited for until a command takes it that can’t', async () => {
    const sent = toOurselves()
    const { child, has } = await launched(': >ready; exec sleep 600')
    await has('ready')
    process.kill(-child.group, 'SIGSTOP')
    await expect.poll(() => stateOf(child.group)).toBe('T')
    child.forward('SIGTSTP')
    expect(sent).toEqual(canBeContinued() ? ['SIGSTOP'] : [])
  })

  test('is the command’s to take first', async () => {
    toOurselves()
    const { child, has, said } = await launched(
      'trap "echo heard; : >done" TSTP; : >ready; while :; do sleep 0.02; done',
    )
    await has('ready')
    child.forward('SIGTSTP')
    child.forward('SIGCONT')
    if (canBeContinued()) await has('done')
    expect(said('out')).toBe(canBeContinued() ? 'heard\n' : '')
  })
})
