import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { exec, mayExec } from '../../../src/child/exec.ts'
import { begun } from './begun.ts'

const COMMAND = { file: '/opt/script', words: ['script', 'one', 'two'] } as const
const REFUSED = new Error('refused')

afterEach(() => vi.restoreAllMocks())

/** The programs that this process would have become, when each of them is refused for a reason. */
function refused(...codes: readonly string[]) {
  const tried: (readonly unknown[])[] = []
  vi.spyOn(process, 'execve').mockImplementation((...about) => {
    tried.push(about)
    throw Object.assign(REFUSED, { code: codes[tried.length - 1] })
  })
  const ignored: unknown[] = []
  vi.spyOn(process, 'on').mockImplementation((event) => {
    ignored.push(event)
    return process
  })
  return { tried, ignored }
}

describe('this process becomes', () => {
  test('the command, by its own name, with what it ignores reset', () => {
    const { tried, ignored } = refused('EACCES')
    expect(() => exec(COMMAND, { A: '1' })).toThrow(
      expect.objectContaining({ code: 'not-executable', cause: REFUSED, message: expect.stringContaining('script') }),
    )
    expect(tried).toEqual([['/opt/script', ['script', 'one', 'two'], { A: '1' }]])
    expect(ignored).toEqual(['SIGPIPE', 'SIGXFSZ'])
  })

  test('a shell for a script that names no interpreter', () => {
    const { tried } = refused('ENOEXEC', 'ENOENT')
    expect(() => exec(COMMAND, { A: '1' })).toThrow(REFUSED)
    expect(tried[1]).toEqual(['/bin/sh', ['/bin/sh', '/opt/script', 'one', 'two'], { A: '1' }])
  })
})

test('a system without execve has no way to become another program', () => {
  vi.spyOn(process, 'on').mockReturnValue(process)
  const { execve } = process
  Object.assign(process, { execve: undefined })
  onTestFinished(() => {
    Object.assign(process, { execve })
  })
  expect(() => exec(COMMAND, {})).toThrow('this system has no execve')
})

test.each<[string, NodeJS.ProcessEnv, readonly number[], boolean]>([
  ['any command', {}, [], true],
  ['none that is to survive a hang-up', { _: '/usr/bin/nohup' }, [], false],
  ['none that is to have a descriptor which is ours alone', {}, [3], false],
])('our place can be taken by %s', async (_, environment, oursAlone, may) => {
  const { child } = await begun('echo begun; exec sleep 600')
  vi.spyOn(process, 'ppid', 'get').mockReturnValue(child.pid as number)
  expect(mayExec(environment, oursAlone)).toBe(may)
  // None of this process's was noted.
  expect(mayExec(environment)).toBe(may || oursAlone.length > 0)
})
