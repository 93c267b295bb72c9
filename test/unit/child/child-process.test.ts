import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { exitStatusOf, forgetKillAtExit, killAtExit, spawned, startFailure } from '../../../src/child/child-process.ts'
import { ProcessGroup } from '../../../src/child/process-group.ts'
import { kill, processesWith } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { started } from './begun.ts'
import { runner } from './runner.ts'

/** A program with this text. */
function program(text: string): string {
  const file = join(scratch(), 'program')
  writeFileSync(file, text, { mode: 0o755 })
  return file
}

const start = (file: string, words: readonly string[] = []) =>
  spawned(() => spawn(file, words, { stdio: 'ignore' }), 'it')

describe('a program', () => {
  test('that runs is its process', async () => {
    const process = await start('/bin/sh', ['-c', 'exit 3'])
    expect(process.pid).toBeGreaterThan(1)
    expect(await exitStatusOf(process)).toEqual({ code: 3 })
  })

  test('whose interpreter is not there is not found', async () => {
    await expect(start(program('#!/nowhere\n'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/^the command it can't be started: no such file or directory$/),
      hint: 'does the interpreter in its first line exist?',
    })
  })

  test('that somebody writes to can’t be executed', async () => {
    const file = program('#!/bin/sh\n')
    const fd = openSync(file, 'r+')
    onTestFinished(() => closeSync(fd))
    await expect(start(file)).rejects.toMatchObject({
      code: 'not-executable',
      hint: 'is somebody writing to its file?',
    })
  })

  test('with more words than the kernel takes can’t be executed', async () => {
    await expect(start('/bin/sh', ['x'.repeat(1_000_000)])).rejects.toMatchObject({
      code: 'not-executable',
      hint: 'its arguments and its environment are too long for the kernel',
    })
  })
})

describe('why a command can’t be started', () => {
  test('is said without a hint when we know none', () => {
    const thrown = Object.assign(new Error('spawn EACCES'), { code: 'EACCES' })
    const failure = startFailure('it', thrown)
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code: 'not-executable', hint: undefined, cause: thrown })
    expect(startFailure('it', 'odd').message).toBe("the command it can't be started: odd")
  })

  test('may be our own open files', () => {
    expect(startFailure('it', Object.assign(new Error(), { code: 'EMFILE' }))).toMatchObject({ code: 'exhausted' })
  })
})

test('a process ends with a code, or by a signal', async () => {
  expect(await exitStatusOf(started(['true'], {}))).toEqual({ code: 0 })
  expect(await exitStatusOf(started(['false'], {}))).toEqual({ code: 1 })
  const killed = started(['sleep', '600'], {})
  killed.kill('SIGUSR1')
  expect(await exitStatusOf(killed)).toEqual({ signal: 'SIGUSR1' })
})

test.each(['process.exit(3)', 'throw new Error()', "process.kill(process.pid, 'SIGTERM')"])(
  'a group is killed when we end before it, as by %s',
  async (end) => {
    const mark = randomUUID()
    const ours = runner(
      ['child-process', 'process-group'],
      `process.once('SIGUSR2', () => { ${end} })
       const sleeper = spawn('sleep', ['600'], { stdio: 'ignore', detached: true, env: { ...process.env, MARK: '${mark}' } })
       const exited = child_process.exitStatusOf(sleeper)
       child_process.killAtExit(new process_group.ProcessGroup(sleeper.pid, {}), exited)
       setInterval(() => {}, 1000)`,
    )
    const sleepers = () => processesWith(`MARK=${mark}`).filter((pid) => pid !== ours.pid)
    onTestFinished(() => sleepers().forEach(kill))
    await expect.poll(sleepers).toHaveLength(1)
    ours.kill('SIGUSR2')
    await expect.poll(sleepers).toEqual([])
  },
)

test('of what kills groups at our end nothing is left in a snapshot, and a process of that has it again', () => {
  const tied = () => {
    const sleeper = started(['sleep', '600'], { stdio: 'ignore', detached: true })
    killAtExit(new ProcessGroup(sleeper.pid as number, { marker: undefined, cgroup: undefined }), exitStatusOf(sleeper))
    return process.listenerCount('SIGTERM')
  }
  const listeners = tied()
  expect(tied()).toBe(listeners)
  forgetKillAtExit()
  expect(process.listenerCount('SIGTERM')).toBe(listeners - 1)
  forgetKillAtExit()
  expect(tied()).toBe(listeners)
})
