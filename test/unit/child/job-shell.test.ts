import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { jobDescriptors, jobShell } from '../../../src/child/job-shell.ts'
import { scratch } from '../../kit/unique.ts'

const OWN = { talk: 3, errors: 4 }

describe('a job shell’s own descriptors', () => {
  test.each([
    [[], 3, 4],
    [[3, 5], 4, 6],
    [[3, 4, 5, 6, 7], 8, 9],
    [[3, 4, 5, 6, 7, 9], 8, 9],
    [[3, 4, 5, 6, 7, 8], 9, 8],
    [[3, 4, 5, 6, 7, 8, 9], 8, 9],
  ])('are the lowest that the command doesn’t get: %j', (passed, talk, errors) => {
    expect(jobDescriptors(passed)).toEqual({ talk, errors })
  })
})

describe('a job shell', () => {
  test('is told the command as it is, and that in its environment what it does', () => {
    const { args, env } = jobShell(['program', 'a b', '$c'], { A: '1' }, undefined, OWN)
    expect(args).toEqual(['-c', 'eval "$CONSUL_LOCKER_JOB_SHELL"', 'consul-locker-job', 'program', 'a b', '$c'])
    expect(Object.keys(env)).toEqual(['A', 'CONSUL_LOCKER_JOB_SHELL', 'CONSUL_LOCKER_JOB'])
    expect(env).toMatchObject({ A: '1' })
  })

  test('does not carry what tells the command’s processes', () => {
    const { env } = jobShell(['program'], { MARK: '1', OTHER: '1' }, 'MARK=1', OWN)
    expect(env).toMatchObject({ CONSUL_LOCKER_JOB_0: 'MARK=1', OTHER: '1' })
    expect(env).not.toHaveProperty('MARK')
  })

  test.each(['A', 'a_1', '_A', 'IFSX', 'PATH', 'PS5', 'LINE', 'SHELL', 'UIDS'])('passes on %s as it is', (name) => {
    expect(jobShell(['program'], { [name]: '1' }, undefined, OWN).env).toMatchObject({ [name]: '1' })
  })

  test.each([
    ...['PWD', 'OLDPWD', 'SHLVL', '_', 'IFS', 'OPTIND', 'OPTARG', 'PPID', 'PID', 'PS1', 'PS4', 'LINES', 'LINENO'],
    ...['COLUMNS', 'RANDOM', 'SECONDS', 'UID', 'EUID', 'SHELLOPTS', 'BASHOPTS', 'a.b', 'a b', '1A', 'Ä', '-'],
  ])('carries %s, which shells change or drop, inside of another', (name) => {
    const { env } = jobShell(['program'], { [name]: '1' }, undefined, OWN)
    expect(env).toMatchObject({ CONSUL_LOCKER_JOB_0: `${name}=1` })
    expect(env).not.toHaveProperty([name])
  })
})

describe('a job', () => {
  /** What a command tells, as the job shell starts it, what it says of itself, and its errors. */
  async function run(words: readonly [string, ...string[]], environment: NodeJS.ProcessEnv) {
    const { args, env } = jobShell(words, environment, 'MARK=1', OWN)
    const job = spawn('/bin/sh', ['-c', '/bin/sh -c "$CONSUL_LOCKER_JOB" "$0" "$@"', ...args.slice(2)], {
      env,
      stdio: ['ignore', 'pipe', 'ignore', 'pipe', 'pipe'],
    })
    const streams = [job.stdout, job.stdio[OWN.talk], job.stdio[OWN.errors]] as Readable[]
    const [said, told, errors] = await Promise.all(streams.map((stream) => text(stream)))
    return { said, told, errors }
  }

  test('has the environment of the command, and nothing else', async () => {
    const environment = { PATH: process.env.PATH, MARK: '1', IFS: 'x', 'a.b': '= "$c"\n', PLAIN: ' 1 ' }
    const { said } = await run(['env', '-0'], environment)
    const entries = new Map(said?.split('\0').map((entry) => [entry.split('=')[0], entry]))
    for (const name of ['', 'PWD', 'OLDPWD', '_', 'SHLVL']) entries.delete(name)
    expect(Object.fromEntries(entries)).toEqual(
      Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, `${name}=${value}`])),
    )
  })

  test('is told by its process id, keeps the standard error, and has its words as they are', async () => {
    const script = 'echo $$ "$@"; echo oh >&2; for fd in 3 4; do [ ! -e /proc/$$/fd/$fd ] || echo $fd; done'
    const { said, told, errors } = await run(['sh', '-c', script, 'sh', 'a  b', '$c'], { PATH: process.env.PATH })
    expect(said).toMatch(/^\d+ a {2}b \$c\n$/)
    expect(told).toBe(`${Number.parseInt(said ?? '', 10)}\n`)
    expect(errors).toBe('oh\n')
  })

  test('may be a command with an equals sign in its name', async () => {
    const folder = scratch()
    writeFileSync(join(folder, 'a=b'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
    const { said } = await run(['a=b', 'c=d', 'e'], { PATH: `${folder}:${process.env.PATH}` })
    expect(said).toBe('c=d e\n')
  })
})
