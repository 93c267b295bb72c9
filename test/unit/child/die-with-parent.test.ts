import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { exitStatusOf } from '../../../src/child/child-process.ts'
import { kill, processesWith } from '../../kit/processes.ts'
import { runner } from './runner.ts'

/** Starts a sleep, and a daemon in a session of its own; both carry the marker. */
const LAUNCH = `
const script = 'setsid sleep 600 >/dev/null & echo begun; exec sleep 600'
const launch = async () => {
  const stdio = ['ignore', 'pipe', 'ignore']
  const process = spawn('/bin/sh', ['-c', script], { stdio, env: { PATH: '/usr/bin:/bin', MARK: mark } })
  await new Promise((resolve) => process.stdout.once('data', resolve))
  process.stdout.destroy()
  return { process, exited: new Promise((resolve) => process.once('exit', resolve)) }
}
const child = await die_with_parent.dieWithParent('MARK=' + mark, { ...process.env, RUN: mark }, launch)`

/** A process of ours that launches these, and who of them runs. */
function parent(then = '') {
  const mark = randomUUID()
  const process = runner(['die-with-parent'], `const mark = '${mark}'${LAUNCH}\n${then}`)
  const marked = (program: string) => processesWith(mark).filter((pid) => isOne(pid, program))
  const carriers = () => marked('sleep')
  onTestFinished(() => carriers().forEach(kill))
  return { process, carriers, marked }
}

function isOne(pid: number, program: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === `${program}\n`
  } catch {
    return false
  }
}

test('a child and its daemons die when their parent is killed', async () => {
  const { process, carriers } = parent()
  await expect.poll(carriers).toHaveLength(2)
  process.kill('SIGKILL')
  await expect.poll(carriers).toEqual([])
})

test('the shell that sees to it has no mark of the run that its command belongs to', async () => {
  const { carriers, marked } = parent()
  await expect.poll(carriers).toHaveLength(2)
  expect(marked('sh')).toEqual([])
})

test('what a child leaves behind lives on when it ended before its parent', async () => {
  const { process, carriers } = parent(`child.process.kill()\nawait child.exited`)
  await exitStatusOf(process)
  await expect.poll(carriers).toHaveLength(1)
})
