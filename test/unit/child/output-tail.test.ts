import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { OutputTail } from '../../../src/child/output-tail.ts'
import { processesWith } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { started } from './begun.ts'

const CTX = { clock: systemClock, log: SILENT, signal: new AbortController().signal, random: Math.random }
const KEPT_BYTES = 4096
const OTHERS = namedPipes()

/** A tail, and whether somebody reads on: the PATH tells who is ours. */
async function tail() {
  const [folder, path] = [scratch(), scratch()]
  const one = await OutputTail.open(CTX, { ...process.env, PATH: `${path}:${process.env.PATH}` })
  if (!one) throw new Error('there is no pipe')
  const writer = (script: string) =>
    started(['/bin/sh', '-c', script], { stdio: ['ignore', one.writeEnd, one.writeEnd], cwd: folder })
  return { one, folder, writer, readers: () => processesWith(path) }
}

describe('of what a command writes is kept', () => {
  test('all, when it is little', async () => {
    const { one } = await tail()
    writeSync(one.writeEnd, 'one\n')
    writeSync(one.writeEnd, 'two\n')
    one.handOver()
    expect(one.leave()).toBe('one\ntwo\n')
  })

  test('the last, when it is much, whoever has read it', async () => {
    const { one, writer } = await tail()
    const numbers = Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join('')
    const child = writer('seq 100000')
    one.handOver()
    await new Promise((resolve) => child.once('exit', resolve))
    expect(one.leave()).toBe(numbers.slice(-KEPT_BYTES))
  })

  test('what there is by then, when somebody writes without end', async () => {
    const { one, writer, folder } = await tail()
    const child = writer(': >begun; exec yes')
    one.handOver()
    await expect.poll(() => existsSync(join(folder, 'begun'))).toBe(true)
    expect(one.leave()).toMatch(/^(?:y?\n(?:y\n)*y?)?$/)
    child.kill('SIGKILL')
  })

  test('what was there before everybody had closed it', async () => {
    const { one, writer } = await tail()
    const child = writer('echo last words')
    one.handOver()
    await new Promise((resolve) => child.once('close', resolve))
    await expect.poll(() => one.leave()).toBe('last words\n')
  })

  test('nothing that a descriptor leads to which was ours', async () => {
    const { one, writer, folder } = await tail()
    writer('echo last words')
    one.handOver()
    await expect.poll(pipes).toEqual([])
    writeFileSync(join(folder, 'other'), 'none of ours')
    const others = Array.from({ length: 50 }, () => openSync(join(folder, 'other'), 'r'))
    expect(one.leave()).toBe('last words\n')
    others.forEach((fd) => void closeSync(fd))
  })
})

describe('who writes on', () => {
  test('doesn’t notice that we have gone, and who reads goes with the last of them', async () => {
    const { one, folder, writer, readers } = await tail()
    const child = writer(
      'until [ -e left ]; do sleep 0.02; done; seq 100000 && : >done; until [ -e end ]; do sleep 0.02; done',
    )
    one.handOver()
    await expect.poll(readers).not.toEqual([])
    one.leave()
    writeFileSync(join(folder, 'left'), '')
    await expect.poll(() => existsSync(join(folder, 'done'))).toBe(true)
    expect(readers()).toHaveLength(1)
    child.kill('SIGKILL')
    await expect.poll(readers).toEqual([])
  })

  test('is read by who is in no group and no folder of ours', async () => {
    const { one, readers } = await tail()
    await expect.poll(readers).toHaveLength(1)
    const [pid = 0] = readers()
    const [, group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) \S /s, '')
      .split(' ')
      .map(Number)
    expect({ group, session, folder: readlinkSync(`/proc/${pid}/cwd`) }).toEqual({
      group: pid,
      session: pid,
      folder: '/',
    })
    one.handOver()
    one.leave()
    await expect.poll(readers).toEqual([])
  })
})

describe('no descriptor is left of it', () => {
  test('when nobody writes', async () => {
    const { one } = await tail()
    expect(pipes()).not.toEqual([])
    one.handOver()
    one.leave()
    await expect.poll(pipes).toEqual([])
  })

  test('though somebody writes on', async () => {
    const { one, writer } = await tail()
    const child = writer('exec sleep 600')
    one.handOver()
    one.leave()
    await expect.poll(pipes).toEqual([])
    child.kill('SIGKILL')
  })
})

test('our end to write to is closed when it is the command’s', async () => {
  const { one, readers } = await tail()
  const { writeEnd } = one
  expect(fstatSync(writeEnd).isFIFO()).toBe(true)
  one.handOver()
  expect(() => fstatSync(writeEnd)).toThrow(expect.objectContaining({ code: 'EBADF' }))
  one.leave()
  await expect.poll(readers).toEqual([])
})

/** Our descriptors of such pipes, without those that tests of other files have left to this process. */
function pipes(): string[] {
  return namedPipes().filter((fd) => !OTHERS.includes(fd))
}

function namedPipes(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).includes('.output'))
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}
