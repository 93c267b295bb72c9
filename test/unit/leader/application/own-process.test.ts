import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../src/base/clock.ts'
import type { Context } from '../../../../src/base/context.ts'
import { createLog } from '../../../../src/base/log.ts'
import {
  isRunning,
  killed,
  type OwnProcess,
  processOf,
  signal,
  withDescendants,
  workingIn,
} from '../../../../src/leader/application/own-process.ts'
import { listeningOn } from '../../../../src/leader/application/port-holders.ts'

const log = createLog({ format: 'text', quiet: true, debug: false, write: () => {} })
const ctx: Context = { clock: systemClock, log, signal: AbortSignal.timeout(20_000), random: Math.random }

function started(file: string, words: string[], cwd = '/'): ChildProcess & { pid: number } {
  const child = spawn(file, words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child as ChildProcess & { pid: number }
}

test('who listens on a port is found, and nobody else', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  expect(listeningOn(port).map(({ pid }) => pid)).toEqual([process.pid])
  await new Promise((resolve) => server.close(resolve))
  expect(listeningOn(port)).toEqual([])
})

test('who works in a directory is found, killed, and gone then', async () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'own-process-')))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const { pid } = started('sleep', ['600'], directory)
  const found = workingIn(directory)
  expect(found.map(({ pid }) => pid)).toEqual([pid])
  await killed(ctx, found)
  expect(found.some(isRunning)).toBe(false)
  expect(workingIn(directory)).toEqual([])
})

test('a process that only has the pid is not ours: it gets no signal', () => {
  const { pid } = started('sleep', ['600'])
  const stranger: OwnProcess = { pid, startedAt: '1' }
  expect(isRunning(stranger)).toBe(false)
  signal(stranger, 'SIGKILL')
  expect(isRunning(processOf(pid) as OwnProcess)).toBe(true)
})

test('the children of a process are found with it', async () => {
  const shell = started('/bin/sh', ['-c', 'sleep 600 & echo $!; wait'])
  const child = Number(await new Promise((resolve) => shell.stdout?.once('data', resolve)))
  const family = withDescendants([processOf(shell.pid) as OwnProcess])
  expect(family.map(({ pid }) => pid).toSorted()).toEqual([shell.pid, child].toSorted())
  await killed(ctx, family)
})
