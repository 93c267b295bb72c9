import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findExecutable, OWN_EXECUTABLE, ownExecutable } from '../../../src/child/executable.ts'

let dir: string
let path: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'command-test-'))
  for (const folder of ['first', 'second', 'first/folder']) mkdirSync(join(dir, folder))
  const put = (file: string, mode: number) => {
    writeFileSync(join(dir, file), '')
    chmodSync(join(dir, file), mode)
  }
  put('first/plain', 0o644)
  put('first/both', 0o755)
  put('second/both', 0o755)
  put('second/plain-first', 0o755)
  put('first/plain-first', 0o644)
  put('second/folder', 0o755)
  put('first/with space=', 0o755)
  symlinkSync('both', join(dir, 'first/link'))
  symlinkSync('nothing', join(dir, 'first/dangling'))
  path = [join(dir, 'first'), join(dir, 'second')].join(delimiter)
})

afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('a command', () => {
  test.each([
    ['both', 'first/both'],
    ['plain-first', 'second/plain-first'],
    ['folder', 'second/folder'],
    ['link', 'first/link'],
    ['with space=', 'first/with space='],
  ])('%s is found on the PATH as a shell would', (name, file) => {
    expect(findExecutable([name, 'argument'], path)).toEqual({ file: join(dir, file), words: [name, 'argument'] })
  })

  test('with a slash in it is a path, and not looked for', () => {
    const file = join(dir, 'second/both')
    expect(findExecutable([file], '').file).toBe(file)
    const near = join('.', relative(process.cwd(), file))
    expect(findExecutable([near], path).file).toBe(near)
  })

  test('of an empty part of the PATH is one of the working directory, and stays it', () => {
    const here = process.cwd()
    process.chdir(join(dir, 'second'))
    try {
      for (const odd of ['', '.', `:${path}`, `/nowhere:`]) {
        expect(findExecutable(['both'], odd).file).toBe('./both')
      }
    } finally {
      process.chdir(here)
    }
  })

  test('is looked for where the system keeps programs when there is no PATH', () => {
    expect(findExecutable(['sh'], undefined).file).toMatch(/^(\/usr)?\/bin\/sh$/)
  })

  test.each([
    ['nothing', 'not-found', /the command "nothing" was not found/],
    ['', 'not-found', /the command "" was not found/],
    ['dangling', 'not-found', /the command "dangling" was not found/],
    ['/nowhere/at/all', 'not-found', /the command "\/nowhere\/at\/all" was not found/],
    ['plain', 'not-executable', /the command plain can't be executed: .*first\/plain: permission denied/],
    ['/', 'not-executable', /the command \/ can't be executed: \/ is a directory/],
  ])('%j is refused: %s', (name, code, sentence) => {
    const find = () => findExecutable([name], path)
    expect(find).toThrow(sentence)
    expect(find).toThrow(expect.objectContaining({ code }))
  })

  test('that is refused is told with what may be wrong', () => {
    const refused = (hint: string) => expect.objectContaining({ hint })
    expect(() => findExecutable(['nothing'], path)).toThrow(refused(`the PATH is ${path}`))
    expect(() => findExecutable(['/nowhere/at/all'], path)).toThrow(refused('is its path right?'))
    const cure = 'is that a program or a script, and may this user execute it?'
    expect(() => findExecutable(['plain'], path)).toThrow(refused(cure))
  })
})

describe('this very program', () => {
  const { execPath } = process
  const named = (file: string) => {
    process.execPath = file
    onTestFinished(() => {
      process.execPath = execPath
    })
    return ownExecutable()
  }

  test('is started by its name, or another one of it', () => {
    expect(ownExecutable()).toBe(execPath)
    const link = join(dir, 'own')
    symlinkSync(execPath, link)
    expect(named(link)).toBe(link)
  })

  test.each(['first/both', 'nothing'])('is what the kernel kept when its name means something else: %s', (name) => {
    expect(named(join(dir, name))).toBe(OWN_EXECUTABLE)
  })
})
