import { afterEach, describe, expect, test, vi } from 'vitest'
import { exec, mayExec } from '../../../src/child/exec.ts'

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

test('a command that is to survive a hang-up can’t take our place', () => {
  expect(mayExec({ _: '/usr/bin/nohup' })).toBe(false)
})
