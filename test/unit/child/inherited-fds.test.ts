import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readlinkSync } from 'node:fs'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { stdioWith } from '../../../src/child/inherited-fds.ts'
import { processesWith } from '../../kit/processes.ts'
import { begun, started } from './begun.ts'

const MODULE = '../../../src/child/inherited-fds.ts?its-own'

afterEach(() => vi.restoreAllMocks())

/** The module with a state of its own: what it notes is not for all others. */
const its = async (): Promise<typeof import('../../../src/child/inherited-fds.ts')> => await import(MODULE)

function opened(path: string, flags: 'r' | 'w' = 'r'): number {
  const fd = openSync(path, flags)
  onTestFinished(() => closeSync(fd))
  return fd
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}

/** Both ends of a pipe without a name, as files. */
async function pipe() {
  const mark = randomUUID()
  await begun('echo begun; sleep 600 | sleep 600', { MARK: mark })
  const end = (fd: 0 | 1) =>
    processesWith(mark)
      .map((pid) => `/proc/${pid}/fd/${fd}`)
      .find((file) => linkOf(file).startsWith('pipe:'))
  await expect.poll(() => [end(0), end(1)]).not.toContain(undefined)
  return { read: end(0) as string, write: end(1) as string }
}

/** A parent of ours that has these descriptors, too. */
function withParent(...fds: readonly number[]) {
  const stdio = stdioWith(fds)
  const parent = started(['sleep', '600'], { stdio: ['ignore', 'ignore', 'ignore', ...stdio.slice(3)] })
  vi.spyOn(process, 'ppid', 'get').mockReturnValue(parent.pid as number)
}

describe('of our descriptors are passed on', () => {
  test('those that were there when we began, if no child gets them otherwise', async () => {
    const { noteInheritedFds, closeOnExecFds } = await its()
    expect(closeOnExecFds()).toEqual([])
    const fd = opened('/proc/self/status')
    noteInheritedFds()
    const later = opened('/proc/self/status')
    const noted = closeOnExecFds()
    expect(noted).toContain(fd)
    expect(noted).not.toContain(later)
    expect(noted).toEqual([...noted].filter((fd) => fd >= 3).sort((a, b) => a - b))
  })

  test('two that lead to the same file, which a shell may have opened for us alone', async () => {
    const { noteInheritedFds, closeOnExecFds } = await its()
    const both = [opened('/proc/self/status'), opened('/proc/self/status')]
    withParent()
    noteInheritedFds()
    expect(closeOnExecFds()).toEqual(expect.arrayContaining(both))
  })

  test('none that has been closed', async () => {
    const { noteInheritedFds, closeOnExecFds } = await its()
    const fd = openSync('/proc/self/status', 'r')
    noteInheritedFds()
    closeSync(fd)
    expect(closeOnExecFds()).not.toContain(fd)
  })

  test('none that Node has made for itself', async () => {
    const { noteInheritedFds, closeOnExecFds } = await its()
    withParent()
    noteInheritedFds()
    const own = closeOnExecFds().map((fd) => linkOf(`/proc/self/fd/${fd}`))
    expect(own.filter((target) => /eventpoll|eventfd|io_uring/.test(target))).toEqual([])
    expect(own.filter((target, n) => target.startsWith('pipe:') && own.indexOf(target) !== n)).toEqual([])
  })

  test('one end of a pipe, but both of them only if our parent has them, and /dev/null as well', async () => {
    const { noteInheritedFds, closeOnExecFds } = await its()
    const [single, pair, passedPair] = [await pipe(), await pipe(), await pipe()] as const
    const [end, ...ends] = [opened(single.write, 'w'), opened(pair.read), opened(pair.write, 'w')]
    const passed = [opened('/dev/null'), opened(passedPair.read), opened(passedPair.write, 'w')]
    const nothing = opened('/dev/null')
    withParent(...passed)
    noteInheritedFds()
    const noted = closeOnExecFds()
    expect(noted).toEqual(expect.arrayContaining([end, ...passed]))
    for (const fd of [...ends, nothing]) expect(noted).not.toContain(fd)
  })
})

describe('a child’s descriptors', () => {
  test('are our standard streams, and each other one under its own number', () => {
    expect(stdioWith([])).toEqual(['inherit', 'inherit', 'inherit'])
    expect(stdioWith([6, 4])).toEqual(['inherit', 'inherit', 'inherit', 'ignore', 4, 'ignore', 6])
    expect(stdioWith(new Set([3]))).toEqual(['inherit', 'inherit', 'inherit', 3])
  })

  test('may have others for its output', () => {
    expect(stdioWith([], { stdout: 7, stderr: 8 })).toEqual(['inherit', 7, 8])
  })
})
