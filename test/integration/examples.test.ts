import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { asCron } from '../kit/documents.ts'
import {
  ask,
  consul,
  directory,
  ExampleRun,
  env,
  example,
  locker,
  type Outcome,
  project,
  run,
  startExample,
} from '../kit/example-runs.ts'

// The first of these tests on a fresh clone downloads Consul.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

test('every shell script passes shellcheck', async () => {
  const scripts: string[] = []
  for (const folder of ['examples', 'scripts']) {
    for (const file of await readdir(join(project, folder), { withFileTypes: true, recursive: true })) {
      if (!file.isFile()) continue
      const path = relative(project, join(file.parentPath, file.name))
      if (/^#!.*\b(ba|da|)sh\b/.test(await readFile(join(project, path), 'utf8'))) scripts.push(path)
    }
  }
  expect(scripts).toEqual(
    expect.arrayContaining(['examples/10-second-wait', 'examples/solr/solr-role', 'scripts/bench/reference.sh']),
  )
  const shellcheck = await program('shellcheck', 'shellcheck')
  const { code, stdout, stderr } = await run(shellcheck.path, scripts, shellcheck.env)
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
})

describe('10-second-wait', () => {
  test.for([{ args: [] }, { args: ['one', ''] }, { args: ['--help', 'a b', '--'] }])(
    'exits with the number of its arguments: $args',
    async ({ args }) => {
      const { code, stdout } = await run(locker, ['sleepers', example('10-second-wait'), ...args], {
        SECONDS_TO_SLEEP: '0.1',
      })
      expect(stdout).toMatch(/^Sleeping for 0.1 seconds\nSlept [01] seconds\nReturning \d\n$/)
      expect(code).toBe(args.length)
    },
  )

  test('two of them under one lock run one after the other', async () => {
    const diary = join(await directory(), 'diary')
    const script = 'echo begin >>"$1"; "$0" >/dev/null; echo end >>"$1"'
    const args = ['sleepers', 'sh', '-c', script, example('10-second-wait'), diary]
    await Promise.all([1, 2].map(() => run(locker, args, { SECONDS_TO_SLEEP: '1' })))
    expect(await readFile(diary, 'utf8')).toBe('begin\nend\nbegin\nend\n')
  })

  test('a TERM to the runner ends the sleep at once, with 143', async () => {
    const sleeping = startExample(locker, ['sleepers', example('10-second-wait')], { SECONDS_TO_SLEEP: '600' })
    await sleeping.says('Sleeping')
    sleeping.child.kill('SIGTERM')
    expect(await sleeping.ends()).toMatchObject({ code: 143, stdout: 'Sleeping for 600 seconds\n' })
  })

  test.for(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)(
    '%s to itself alone ends it at once',
    async (signal) => {
      const sleeping = startExample(example('10-second-wait'), [], { SECONDS_TO_SLEEP: '600' })
      await sleeping.says('Sleeping')
      sleeping.child.kill(signal)
      expect(await sleeping.ends()).toMatchObject({ code: null, signal })
    },
  )
})

describe('hourly-report', () => {
  const lock = 'consul-locker-hourly-report'

  /** What cron would do: the crontab's own job in the crontab's own environment. */
  async function cron(dir: string): Promise<Outcome> {
    const lines = (await readFile(example('hourly-report.crontab'), 'utf8')).trimEnd().split('\n')
    const settings = lines.filter((line) => /^[A-Z]+=/.test(line))
    const { PATH, LD_LIBRARY_PATH } = env
    const more = { REPORT_DIRECTORY: dir, REPORT_HOUR: '2026010113', CONSUL_HTTP_ADDR: consul.address }
    const installed = { ...Object.fromEntries(settings.map((line) => line.split('='))), ...more }
    return new ExampleRun(
      '/bin/sh',
      [
        '-c',
        asCron(lines.at(-1) ?? '', '"$@"'),
        'sh',
        ...Object.entries({
          ...installed,
          PATH: `${await bin()}:${installed.PATH}:${PATH}`,
          ...(LD_LIBRARY_PATH && { LD_LIBRARY_PATH }),
        }).map(([name, value]) => `${name}=${value}`),
      ],
      {},
    ).ends()
  }

  async function bin(): Promise<string> {
    const dir = await directory()
    await symlink(locker, join(dir, 'consul-locker'))
    await symlink(example('hourly-report'), join(dir, 'hourly-report'))
    return dir
  }

  const silence = { code: 0, stdout: '', stderr: '' }

  async function reports(dirs: readonly string[]): Promise<string[]> {
    return (await Promise.all(dirs.map((dir) => readdir(dir).catch(() => [])))).flat().sort()
  }

  /** Machines on which it is the first time. */
  async function machines(count: number): Promise<string[]> {
    await ask(`/v1/kv/${lock}?recurse`, 'DELETE')
    return Promise.all(Array.from({ length: count }, directory))
  }

  test('four machines at the same minute make one report, one that comes later none, and there is nothing to mail', async () => {
    const dirs = await machines(4)
    const ends = await Promise.all(dirs.map((dir) => cron(dir)))
    expect(ends).toMatchObject(dirs.map(() => silence))
    const [first = ''] = dirs
    expect(await cron(first)).toMatchObject(silence)
    // A second one when it has just struck the hour.
    expect([1, 2]).toContain((await reports(dirs)).length)
  })

  test('a lock that another machine holds is not mailed', async () => {
    const dirs = await machines(1)
    const holder = startExample(locker, ['hourly-report', example('10-second-wait')], { SECONDS_TO_SLEEP: '600' })
    await holder.says('Sleeping')
    expect(await cron(dirs[0] ?? '')).toMatchObject(silence)
    expect(await reports(dirs)).toEqual([])
  })

  test('a report that fails is mailed, and the next try makes it', async () => {
    const [dir = ''] = await machines(1)
    const blocked = join(dir, 'blocked')
    await writeFile(blocked, '')
    const { code, stderr } = await cron(blocked)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('mkdir') })
    await rm(blocked)
    expect(await cron(blocked)).toMatchObject(silence)
    expect(await readdir(blocked)).toEqual(['2026010113.txt'])
    expect(await readFile(join(blocked, '2026010113.txt'), 'utf8')).toMatch(
      /^Report for 2026010113, by .+, fence \d+\n/,
    )
  })
})
