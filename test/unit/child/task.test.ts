import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { GuardedGroup } from '../../../src/child/guardian.ts'
import { runTask, type Task } from '../../../src/child/task.ts'
import { kill, processesWith } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { SILENT } from '../../virtual/silent-log.ts'

const LONG_MS = 60_000
const MARKER = expect.stringMatching(/^CONSUL_LOCKER_TASK_\w+=1$/)

/** A task of this script, in a folder of its own, what is heard of its group, and the processes that are left of it. */
function task(script: string, about: Partial<Task> = {}, isHeard = true) {
  const folder = scratch()
  const controller = new AbortController()
  const ctx = { clock: systemClock, log: SILENT, signal: controller.signal, random: Math.random }
  const groups: (GuardedGroup | undefined)[] = []
  const whole: Task = {
    command: { file: '/bin/sh', words: ['sh', '-c', `cd ${folder}; ${script}`, 'name'] },
    // Who reads on when we are gone is known by its PATH, which is all that it gets.
    environment: { ...process.env, FOLDER: folder, PATH: `${process.env.PATH}:${folder}` },
    timeoutMs: LONG_MS,
    graceMs: LONG_MS,
    sparesDaemons: false,
    ...(isHeard && { onGroup: (group) => void groups.push(group) }),
    ...about,
  }
  onTestFinished(() => processesWith(folder).forEach(kill))
  const path = (name: string) => join(folder, name)
  const has = (name: string) => expect.poll(() => existsSync(path(name))).toBe(true)
  return { end: runTask(ctx, whole), controller, groups, path, has, left: () => processesWith(folder) }
}

/** Leaves the group and the session of who starts it. */
const DAEMON = 'setsid sh -c ": >daemon; exec sleep 600" >/dev/null 2>&1 & until [ -e daemon ]; do sleep 0.02; done'

describe('a task', () => {
  test('settles with its status and its last words, without input', async () => {
    const { end, groups } = task('cat; echo one; echo two >&2; echo "$0"; exit 7')
    expect(await end).toEqual({ status: { code: 7 }, isGone: true, output: 'one\ntwo\nname\n' })
    expect(groups).toEqual([MARKER, expect.any(Number), undefined])
  })

  test('leads a group and a session of its own, and tells of that while it runs', async () => {
    const { end, groups, path, has } = task(
      'cat /proc/$$/stat >stat; mv stat told; until [ -e go ]; do sleep 0.02; done',
    )
    await has('told')
    const [pid, , , , group, session] = readFileSync(path('told'), 'utf8').split(' ').map(Number)
    expect([group, session]).toEqual([pid, pid])
    expect(groups).toEqual([MARKER, pid])
    writeFileSync(path('go'), '')
    expect(await end).toMatchObject({ status: { code: 0 } })
    expect(groups).toEqual([MARKER, pid, undefined])
  })

  test('is called as the command is', async () => {
    const command = { file: '/bin/sh', words: ['another', '-c', 'tr "\\0" " " </proc/$$/cmdline'] } as const
    expect(await task('', { command }).end).toMatchObject({ output: expect.stringMatching(/^another -c /) })
  })

  test('settles at its own end, though a daemon of it lives on and writes', async () => {
    const { end, path, left } = task(
      'setsid sh -c "until [ -e go ]; do sleep 0.02; done; echo on && : >done" & echo first',
      { sparesDaemons: true },
    )
    expect(await end).toEqual({ status: { code: 0 }, isGone: true, output: 'first\n' })
    expect(left()).not.toEqual([])
    writeFileSync(path('go'), '')
    await expect.poll(() => existsSync(path('done'))).toBe(true)
    await expect.poll(left).toEqual([])
  })

  test('that speaks has nothing kept', async () => {
    const { end } = task('echo one >/dev/null', { speaks: true })
    expect(await end).toEqual({ status: { code: 0 }, isGone: true, output: '' })
  })

  test('has its last words lost where there can be no pipe', async () => {
    const bin = scratch()
    for (const name of ['mkfifo', 'sh']) writeFileSync(join(bin, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const { end } = task('echo one; exit 7', { environment: { ...process.env, PATH: `${bin}:/usr/bin:/bin` } })
    expect(await end).toEqual({ status: { code: 7 }, isGone: true, output: '' })
  })

  test.each<[Partial<Task>, boolean, number]>([
    [{}, false, 1],
    [{ sparesDaemons: true }, false, 0],
    [{ sparesDaemons: true }, true, 1],
    [{ sparesDaemons: true, diesWithUs: true }, false, 1],
  ])('marks what is to end with it, and what a guardian may have to find: %j, %j', async (about, isHeard, marks) => {
    const { end } = task('env | grep -c ^CONSUL_LOCKER_TASK_', about, isHeard)
    expect((await end).output).toBe(`${marks}\n`)
  })

  test('that can’t be started says so, and leaves nobody who reads', async () => {
    const command = { file: '/nowhere', words: ['nothing'] } as const
    const { end, groups, left } = task('', { command })
    await expect(end).rejects.toMatchObject({ code: 'not-found' })
    expect(groups).toEqual([MARKER, undefined])
    await expect.poll(left).toEqual([])
  })
})

describe('a task is ended', () => {
  test('when its time is over', async () => {
    const { end, left } = task('echo begun; exec sleep 600', { timeoutMs: 100 })
    expect(await end).toMatchObject({ status: 'too-late', isGone: true })
    await expect.poll(left).toEqual([])
  })

  test('when the signal aborts, with the grace that its reason deserves', async () => {
    const reasons: unknown[] = []
    const graceMs = (reason: unknown) => {
      reasons.push(reason)
      return LONG_MS
    }
    const script = 'trap "echo last; exit" TERM; : >begun; while :; do sleep 0.02; done'
    const { end, controller, has, left } = task(script, { graceMs })
    await has('begun')
    controller.abort('enough')
    expect(await end).toEqual({ status: 'interrupted', isGone: true, output: expect.stringMatching(/last\n$/) })
    expect(reasons).toEqual(['enough'])
    await expect.poll(left).toEqual([])
  })

  test('by KILL after its grace', async () => {
    const script = 'trap "" TERM; : >begun; while :; do sleep 0.02; done'
    const { end, controller, has, left } = task(script, { graceMs: 100 })
    await has('begun')
    controller.abort('enough')
    expect(await end).toMatchObject({ status: 'interrupted', isGone: true })
    await expect.poll(left).toEqual([])
  })

  test.each<[string, Partial<Task>, number]>([
    ['with its daemons', {}, 0],
    ['without its daemons, if they are meant to stay', { sparesDaemons: true }, 1],
    ['with its daemons, if they are to end with us', { sparesDaemons: true, diesWithUs: true }, 0],
  ])('%s', async (_, about, daemons) => {
    const { end, controller, has, left } = task(`${DAEMON}; : >begun; sleep 600`, about)
    await has('begun')
    controller.abort('enough')
    await end
    // Who would end it, should we be killed, hears of the end.
    await expect.poll(left).toHaveLength(daemons)
  })
})
