import { describe, expect, test } from 'vitest'
import { groupFolders, groupNumber, softLimit } from '../../../../src/doctor/machine/kernel-limits.ts'

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
