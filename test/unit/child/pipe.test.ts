import {
  closeSync,
  existsSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { openPipe, systemPath } from '../../../src/child/pipe.ts'
import { scratch } from '../../kit/unique.ts'
import { SILENT } from '../../virtual/silent-log.ts'

const CTX = { clock: systemClock, log: SILENT, signal: new AbortController().signal, random: Math.random }
const O_NONBLOCK = 0o4000

/** A PATH with a `mkfifo` of this script, maybe a shell of that one, and what pipes were to be called. */
function maker(script: string, shell?: string) {
  const folder = scratch()
  if (shell) writeFileSync(join(folder, 'sh'), `#!/bin/sh\n${shell}\n`, { mode: 0o755 })
  const notes = join(folder, 'notes')
  writeFileSync(join(folder, 'mkfifo'), `#!/bin/sh\necho "$@" >>${notes}\n${script}\n`, { mode: 0o755 })
  return { environment: { ...process.env, PATH: `${folder}:/usr/bin:/bin` }, noted: () => readFileSync(notes, 'utf8') }
}

async function opened(environment: NodeJS.ProcessEnv) {
  const pipe = await openPipe(CTX, environment)
  if (!pipe) return undefined
  onTestFinished(() => {
    for (const fd of Object.values(pipe)) closeSync(fd)
  })
  return pipe
}

/** What is in a pipe. */
function taken(fd: number): string {
  const chunk = Buffer.alloc(100)
  return chunk.toString('utf8', 0, readSync(fd, chunk))
}

describe('a pipe', () => {
  test.each([
    ['with a name for a moment', () => process.env],
    ['of a shell, where none takes a name', () => maker('exit 1').environment],
  ])('%s has two ends to read from, of which ours never waits', async (_, environment) => {
    const pipe = await opened(environment())
    if (!pipe) throw new Error('there is none')
    expect(() => taken(pipe.readEnd)).toThrow(expect.objectContaining({ code: 'EAGAIN' }))
    writeSync(pipe.writeEnd, 'one')
    expect(taken(pipe.readEnd)).toBe('one')
    writeSync(pipe.writeEnd, 'two')
    expect(taken(pipe.secondReadEnd)).toBe('two')
    const waits = [pipe.secondReadEnd, pipe.writeEnd].map((fd) => (flagsOf(fd) & O_NONBLOCK) === 0)
    expect(waits).toEqual([true, true])
  })

  test('of a shell never is another thing that the shell writes to', async () => {
    const { environment } = maker('exit 1')
    const pipes = []
    for (let n = 0; n < 60; n++) pipes.push(await opened(environment))
    expect(pipes).not.toContain(undefined)
  })

  test('has lost its name, which nobody else could see', async () => {
    const { environment, noted } = maker('exec /usr/bin/mkfifo "$@"')
    expect(await opened(environment)).toBeDefined()
    const [, name = ''] = /^-m 600 (\/.*\.output)\n$/.exec(noted()) ?? []
    expect(statSync(dirname(name)).mode & 0o777).toBe(0o700)
    expect(existsSync(name)).toBe(false)
  })

  test('is none where none can be made, which leaves nothing', async () => {
    const { environment, noted } = maker('for name; do :; done; : >"$name"; exit 1', 'exit 1')
    expect(await opened(environment)).toBeUndefined()
    const names = noted().trim().split('\n')
    expect(names.length).toBeGreaterThan(1)
    expect(names.filter((line) => existsSync(line.replace('-m 600 ', '')))).toEqual([])
  })

  test('takes away what others have left long ago, and nothing else', async () => {
    const { environment, noted } = maker('exec /usr/bin/mkfifo "$@"')
    await opened(environment)
    const folder = dirname(noted().trim().replace('-m 600 ', ''))
    const left = (name: string, ageMs: number) => {
      const file = join(folder, `${crypto.randomUUID()}${name}`)
      writeFileSync(file, '')
      onTestFinished(() => rmSync(file, { force: true }))
      const at = (Date.now() - ageMs) / 1000
      utimesSync(file, at, at)
      return file
    }
    const [old, fresh, other] = [left('.output', 120_000), left('.output', 0), left('.other', 120_000)] as const
    // It looks at a few only.
    await expect
      .poll(async () => {
        await opened(environment)
        return existsSync(old)
      })
      .toBe(false)
    expect([fresh, other].map((file) => existsSync(file))).toEqual([true, true])
  })
})

test.each([
  ['/opt/bin', '/opt/bin:/usr/bin:/bin'],
  ['', '/usr/bin:/bin'],
  [undefined, '/usr/bin:/bin'],
])('the system’s own tools get a PATH and nothing else: %j', (path, expected) => {
  expect(systemPath({ PATH: path, SECRET: '1' })).toEqual({ PATH: expected })
})

function flagsOf(fd: number): number {
  return Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8)
}
