import { describe, expect, test } from 'vitest'
import { judgeCron } from '../../../src/doctor/machine/cron-inspection.ts'
import { judgeFirstProcess } from '../../../src/doctor/machine/first-process.ts'
import { groupFolders, groupNumber, softLimit } from '../../../src/doctor/machine/kernel-limits.ts'
import { judgeLibraries } from '../../../src/doctor/machine/libraries-inspection.ts'
import { judgeMemory, judgeOpenFiles, judgeProcesses } from '../../../src/doctor/machine/limit-inspections.ts'
import { judgeVariables } from '../../../src/doctor/machine/variables-inspection.ts'

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             63433                unlimited            processes
Max open files            1024                 524288               files
Max address space         unlimited            unlimited            bytes
`

describe('the kernel’s limits', () => {
  test.each([
    ['Max open files', 1024],
    ['Max processes', 63433],
    ['Max address space', Number.POSITIVE_INFINITY],
    ['Max open', undefined],
    ['Max locks', undefined],
  ])('%s: %j', (name, limit) => expect(softLimit(LIMITS, name)).toBe(limit))

  test.each([
    ['0::/system.slice/cron.service\n', 'memory', ['/system.slice/cron.service', '/system.slice', '']],
    ['0::/\n', 'pids', ['']],
    ['', 'pids', []],
    ['5:cpu,cpuacct:/x\n3:pids:/docker/abc\n', 'pids', ['/pids/docker/abc', '/pids/docker', '/pids']],
    ['5:cpu,cpuacct:/x\n3:pids:/docker/abc\n', 'memory', []],
  ])('are in these folders for %j', (groups, controller, folders) => {
    expect(groupFolders(groups, controller)).toEqual(folders.map((folder) => `/sys/fs/cgroup${folder}`))
  })

  test.each([
    ['512\n', 512],
    ['max\n', undefined],
    ['9223372036854771712\n', undefined],
    [undefined, undefined],
  ])('are read as numbers: %j', (text, number) => expect(groupNumber(text)).toBe(number))
})

test.each([
  [undefined, 'warning'],
  [Number.POSITIVE_INFINITY, 'fine'],
  [1024, 'fine'],
  [64, 'fine'],
  [63, 'warning'],
  [32, 'warning'],
  [31, 'failure'],
])('open files, %j: %s', (limit, mark) => expect(judgeOpenFiles(limit).mark).toBe(mark))

test.each([
  [[], 'fine'],
  [[{ whose: 'this user', limit: 100, used: 10 }], 'fine'],
  [[{ whose: 'this user', limit: 100, used: 70 }], 'warning'],
  [
    [
      { whose: 'this user', limit: 4000, used: 10 },
      { whose: 'this control group', limit: 20, used: 15 },
    ],
    'failure',
  ],
  [[{ whose: 'this user', limit: 10, used: 90 }], 'failure'],
])('processes, %j: %s', (bounds, mark) => expect(judgeProcesses(bounds).mark).toBe(mark))

test.each([
  [[], 'warning'],
  [[{ whose: 'this machine', free: 4e9 }], 'fine'],
  [[{ whose: 'this machine', free: 1e8 }], 'warning'],
  [
    [
      { whose: 'this machine', free: 4e9 },
      { whose: 'this control group', free: 3e7 },
    ],
    'failure',
  ],
])('memory, %j: %s', (places, mark) => expect(judgeMemory(places).mark).toBe(mark))

test.each([
  [1, 'node', 0, 'warning'],
  [812, 'systemd', 0, 'fine'],
  [812, 'sleep', 2, 'warning'],
  [812, undefined, 0, 'warning'],
])('process 1 for pid %d, %j, which leaves %d: %s', (pid, name, left, mark) => {
  expect(judgeFirstProcess(pid, name, left).mark).toBe(mark)
})

describe('libraries', () => {
  const MAPS = `7f1 r-xp 0 08:01 5 /usr/lib/x86_64-linux-gnu/libc.so.6
7f2 r--p 0 08:01 5 /usr/lib/x86_64-linux-gnu/libc.so.6
7f3 r-xp 0 08:01 6 /usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30
`

  test('are named', () => expect(judgeLibraries(MAPS, {}).said).toBe('libraries: libc.so.6, libstdc++.so.6.0.30'))

  test.each([
    [MAPS, { LD_PRELOAD: '/usr/lib/libfaketime.so.1' }, 'warning'],
    [MAPS, { LD_PRELOAD: '' }, 'fine'],
    [undefined, {}, 'warning'],
  ])('%#: %s', (maps, environment, mark) => expect(judgeLibraries(maps, environment).mark).toBe(mark))
})

const OPTIONS = ['CONSUL_LOCKER_NO_WAIT', 'CONSUL_LOCKER_HTTP_ADDR']

describe('variables', () => {
  test.each([
    [{ PATH: '/bin' }, 'fine', 'no variable changes what a run does'],
    [{ CONSUL_HTTP_ADDR: 'a:1' }, 'fine', 'in effect: CONSUL_HTTP_ADDR'],
    [{ CONSUL_LOCKER_HTTP_ADDR: 'a:1' }, 'fine', 'in effect: CONSUL_LOCKER_HTTP_ADDR'],
    [{ CONSUL_LOCKER_NO_WAIT: 'true' }, 'warning', 'in effect: CONSUL_LOCKER_NO_WAIT'],
    [{ NODE_OPTIONS: '--inspect', DEBUG: '1' }, 'fine', 'in effect: DEBUG; not heeded: NODE_OPTIONS'],
  ])('%j: %s', (environment, mark, said) => {
    const finding = judgeVariables(environment, OPTIONS)
    expect(finding.mark).toBe(mark)
    expect(finding.said).toContain(said)
  })

  test('are told without their values', () => {
    expect(judgeVariables({ CONSUL_HTTP_TOKEN: 'secret' }, OPTIONS).said).not.toContain('secret')
  })
})

describe('under cron', () => {
  test.each([
    [{}, '', 'fine'],
    [{ CONSUL_HTTP_ADDR: 'a:1' }, '', 'warning'],
    [{ CONSUL_HTTP_ADDR: 'a:1' }, 'LANG=C\nexport CONSUL_HTTP_ADDR=a:1\n', 'fine'],
    [{ CONSUL_HTTP_ADDR: 'a:1', CONSUL_HTTP_TOKEN: 't' }, 'CONSUL_HTTP_ADDR=a:1\n', 'warning'],
    [{ SSL_CERT_FILE: '/ca' }, '', 'warning'],
    [{ HOME: '/root', EDITOR: 'vi' }, '', 'fine'],
  ])('%j, with %j everywhere: %s', (environment, everywhere, mark) => {
    expect(judgeCron(environment, OPTIONS, '/opt/consul-locker', everywhere).mark).toBe(mark)
  })

  test('a program is not found that lies elsewhere', () => {
    const folder = import.meta.dirname
    const program = 'machine.test.ts'
    const { mark, said, cure } = judgeCron({ PATH: `/nowhere:${folder}` }, OPTIONS, program, '')
    expect([mark, said]).toEqual(['warning', `cron does not look for ${program} in ${folder}`])
    expect(cure).toContain('PATH=…')
  })
})
