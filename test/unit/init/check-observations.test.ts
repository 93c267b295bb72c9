import { chmodSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judgeCheck, type Observation } from '../../../src/init/check-result.ts'
import { observeCrontab } from '../../../src/init/crontab.ts'
import { parseNagiosArgs } from '../../../src/init/nagios-args.ts'
import { observeProcesses, type ProcessLine } from '../../../src/init/process-count.ts'
import { parseRange, thresholdCode } from '../../../src/init/thresholds.ts'
import { scratch } from '../../kit/unique.ts'

describe('a range of a Nagios plugin', () => {
  test.each([
    ['1:', [0, 1, 9], [2, 0, 0]],
    [':2', [0, 2, 3], [0, 0, 2]],
    ['2', [0, 2, 3], [0, 0, 2]],
    ['1:1', [0, 1, 2], [2, 0, 2]],
    ['5:2', [2, 3, 4, 5], [0, 2, 2, 0]],
  ])('%s takes these and no others', (text, counts, levels) => {
    expect(counts.map((count) => thresholdCode(count, { critical: parseRange(text) }))).toEqual(levels)
  })

  test('of a warning counts only where the critical one is kept', () => {
    const thresholds = { warning: parseRange('2:3'), critical: parseRange('1:5') }
    expect([0, 1, 2, 4, 6].map((count) => thresholdCode(count, thresholds))).toEqual([2, 1, 0, 1, 2])
  })

  test.each(['', ':', 'x', '1-2', '-1:'])('is not %j', (text) => {
    expect(() => parseRange(text)).toThrow(`${JSON.stringify(text)} is no range of numbers`)
  })
})

describe('the arguments of check_procs', () => {
  const nginx: ProcessLine = { name: 'nginx', line: 'nginx: worker process', uid: 33 }
  const takes = (args: string, process = nginx) => parseNagiosArgs(args).tests.every((test) => test(process))

  test.each([
    ['-C nginx', true],
    ['-C ngin', false],
    ['--command=nginx -a worker', true],
    ["-a 'worker process' -w 1:4", true],
    ['-a master', false],
    ['--ereg-argument-array ^nginx:', true],
    ['-u 33', true],
    ['-u root', false],
  ])('%s take a process or leave it', (args, taken) => {
    expect(takes(args)).toBe(taken)
  })

  test('name a program by what the kernel keeps of its name', () => {
    expect(takes('-C a-name-that-is-too-long', { ...nginx, name: 'a-name-that-is-' })).toBe(true)
  })

  test('need at least one process, unless they say how many', () => {
    expect(parseNagiosArgs('-C x').thresholds).toEqual({ critical: { min: 1, max: Number.POSITIVE_INFINITY } })
    expect(parseNagiosArgs('-C x -w :5').thresholds).toEqual({ warning: { min: 0, max: 5 } })
  })

  test.each([
    ['-m CPU -c 5', "--nagios-args: unknown option '-m'"],
    ['-c', "--nagios-args: option '-c, --critical <value>' argument missing"],
    ['-c many', '"many" is no range of numbers'],
    ['-u no-such-user', 'there is no user "no-such-user"'],
  ])('that are %s are refused', (args, sentence) => {
    expect(() => parseNagiosArgs(args)).toThrow(sentence)
  })
})

describe('a count of processes', () => {
  test('knows that we run, by somebody else’s process', () => {
    const query = { text: 'init', tests: [() => true], thresholds: {} }
    expect(observeProcesses(query)).toMatchObject({ state: 'running', level: 0, count: expect.any(Number) })
    expect(observeProcesses({ ...query, tests: [() => false] })).toMatchObject({ state: 'stopped', count: 0 })
  })

  test('that is too high is no rest, and no run either', () => {
    const seen: Observation = { type: 'process', name: 'x', state: 'running', level: 2, count: 9 }
    const membership = {
      clustered: true,
      node: 'a',
      role: 'standby',
      maintainedPrimaries: [],
      isMaintained: false,
      isTakingOver: false,
      failures: [],
    } as const
    expect(judgeCheck(seen, { clustered: false })).toMatchObject({ expects: 'running', code: 2, count: 9 })
    expect(judgeCheck(seen, { ...membership, activePasses: true })).toMatchObject({ expects: 'stopped', code: 2 })
  })
})

describe('a crontab', () => {
  const cron = (mode: number, jobs = '5 4 * * * /bin/true\n') => {
    const folder = join(scratch(), 'crontabs')
    mkdirSync(folder)
    const file = join(folder, 'root')
    writeFileSync(file, jobs)
    chmodSync(file, mode)
    const spools = [{ folder, takes: (bits: number) => bits === 0o600, modes: 'mode 600' }]
    return { folder, file, observe: (user = 'root', pattern?: string) => observeCrontab(user, pattern, spools) }
  }

  test.runIf(process.getuid?.() === 0)('of comments and variables is stopped', () => {
    const empty = cron(0o600, '# 5 * * * * /bin/true\nMAILTO=root\n\n')
    expect(empty.observe()).toMatchObject({ state: 'stopped', note: `${empty.file} has no jobs` })
  })

  test.runIf(process.getuid?.() === 0)('without a job that has the pattern is stopped; a comment is no job', () => {
    const jobs = cron(0o600, '# 5 * * * * /bin/report\n5 4 * * * /bin/backup\n')
    expect(jobs.observe('root', '/bin/backup')).toMatchObject({ state: 'running' })
    const note = `no job in ${jobs.file} has "/bin/report" in its line`
    expect(jobs.observe('root', '/bin/report')).toMatchObject({ state: 'stopped', note })
  })

  test('that isn’t there is stopped', () => {
    expect(cron(0o600).observe('daemon')).toMatchObject({ state: 'stopped' })
  })

  test.runIf(process.getuid?.() === 0)('that cron runs passes', () => {
    expect(cron(0o600).observe()).toEqual({ type: 'crontab', name: 'root', state: 'running' })
  })

  test.runIf(process.getuid?.() === 0)('that cron refuses is a warning that says why', () => {
    const open = cron(0o644)
    const seen = open.observe()
    expect(seen).toMatchObject({
      level: 1,
      note: `cron does not run ${open.file}: it has mode 644, and must have mode 600`,
    })
    expect(judgeCheck(seen, { clustered: false })).toMatchObject({ code: 1, notes: [seen.note] })
    const linked = cron(0o600)
    linkSync(linked.file, join(linked.folder, 'other'))
    expect(linked.observe().note).toContain('it has 2 hard links')
    const stranger = cron(0o600)
    linkSync(stranger.file, join(stranger.folder, 'daemon'))
    expect(stranger.observe('daemon').note).toContain('it belongs to the user 0, not to daemon')
  })
})
