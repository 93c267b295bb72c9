import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { BESIDE, isPending, livingMembers, ownCgroup } from '../../../src/child/group-members.ts'
import { GUARDIAN_VARIABLE } from '../../../src/child/guardian-arguments.ts'
import { kill, processesWith, runs, stateOf } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { begun } from './begun.ts'

/** No process has it: the kernel's ids end below. */
const NOBODY = 2 ** 30
const SLEEPS = 'echo begun; exec sleep 600'

afterEach(() => vi.restoreAllMocks())

const pids = (...about: Parameters<typeof livingMembers>) => livingMembers(...about)?.map(({ pid }) => pid)

describe('of a command’s processes are found', () => {
  test('those of its group', async () => {
    const mark = randomUUID()
    const { group } = await begun('sleep 600 & echo begun; wait', { MARK: mark })
    await expect.poll(() => processesWith(mark)).toHaveLength(2)
    const [first, second] = processesWith(mark)
    expect(livingMembers(group)).toEqual([
      { pid: first, group },
      { pid: second, group },
    ])
  })

  test('those that left its group, but not its session', async () => {
    // A group of its own is what timeout makes.
    const { group } = await begun('timeout 600 sleep 600 & echo begun; wait')
    const outside = () => livingMembers(group)?.filter((member) => member.group !== group) ?? []
    await expect.poll(outside).toHaveLength(2)
    const leader = outside()[0]?.group as number
    onTestFinished(() => kill(-leader))
    expect(outside().map(({ group }) => group)).toEqual([leader, leader])
    expect(pids(leader)).toEqual(outside().map(({ pid }) => pid))
  })

  test('none of others', async () => {
    const { group } = await begun(SLEEPS)
    await begun(SLEEPS)
    expect(pids(group)).toEqual([group])
    expect(livingMembers(NOBODY)).toEqual([])
    expect(livingMembers(NOBODY, { marker: undefined, cgroup: undefined })).toEqual([])
  })

  test('none that has ended, though nobody has asked how', async () => {
    const { group } = await begun('sleep 0 & echo begun $!; exec sleep 600')
    await expect.poll(() => pids(group)).toEqual([group])
  })

  test('not ourselves, though we may be among them', () => {
    const group = Number(/\) \S+ \d+ (\d+)/.exec(readFileSync('/proc/self/stat', 'latin1'))?.[1])
    expect(pids(group)).not.toContain(process.pid)
  })
})

describe('by their marker are found', () => {
  test('those that carry it, wherever they are', async () => {
    const mark = randomUUID()
    const { group } = await begun(SLEEPS, { MARK: mark })
    expect(livingMembers(NOBODY, { marker: `MARK=${mark}`, cgroup: undefined })).toEqual([{ pid: group, group }])
  })

  test('none that has more or less of it', async () => {
    const mark = randomUUID()
    await begun(SLEEPS, { MARK: `${mark}1`, A_MARK: mark })
    expect(livingMembers(NOBODY, { marker: `MARK=${mark}`, cgroup: undefined })).toEqual([])
  })

  test('none of another user’s: anybody may put there what they like', async () => {
    const mark = randomUUID()
    await begun(SLEEPS, { MARK: mark })
    vi.spyOn(process, 'geteuid').mockReturnValue(4711)
    expect(livingMembers(NOBODY, { marker: `MARK=${mark}`, cgroup: undefined })).toEqual([])
  })
})

describe('by our cgroup are found', () => {
  /** A list of processes as a cgroup has it. */
  const cgroupOf = (...pids: readonly number[]) => {
    const list = join(scratch(), 'cgroup.procs')
    writeFileSync(list, pids.map((pid) => `${pid}\n`).join(''))
    return { marker: undefined, cgroup: list }
  }

  test('those in it, and not ourselves', async () => {
    const { group } = await begun(SLEEPS)
    await begun(SLEEPS)
    expect(livingMembers(NOBODY, cgroupOf(process.pid, group))).toEqual([{ pid: group, group }])
  })

  test.each([{ [GUARDIAN_VARIABLE]: 'script' }, BESIDE])(
    'none that we start beside the command: %j',
    async (variable) => {
      const { group } = await begun(SLEEPS, variable)
      expect(livingMembers(NOBODY, cgroupOf(group))).toEqual([])
    },
  )

  test.each([{ [`NO_${GUARDIAN_VARIABLE}`]: '1' }, { CONSUL_LOCKER_BESIDE: '10' }])(
    'those that only look like such: %j',
    async (variable) => {
      const { group } = await begun(SLEEPS, variable)
      expect(pids(NOBODY, cgroupOf(group))).toEqual([group])
    },
  )

  test('nobody when it can’t be read', () => {
    expect(livingMembers(NOBODY, { marker: undefined, cgroup: '/nowhere' })).toEqual([])
  })
})

describe('our cgroup is the command’s', () => {
  const STARTED = { SYSTEMD_EXEC_PID: String(process.pid) }
  const PATH = '/system.slice/a.service'
  const CGROUP = `12:pids:/user.slice\n0::${PATH}\n`
  const [LIST, UNIFIED] = [`/sys/fs/cgroup${PATH}/cgroup.procs`, `/sys/fs/cgroup/unified${PATH}/cgroup.procs`]
  const own = (environment: NodeJS.ProcessEnv, files: Readonly<Record<string, string>>) =>
    ownCgroup(environment, (file) => files[file] ?? '')

  test.each([
    ['when systemd has started us as a unit’s main process', CGROUP, [LIST, UNIFIED], LIST],
    ['also beside cgroups of the first version', CGROUP, [UNIFIED], UNIFIED],
    ['not when its list isn’t there', CGROUP, [], undefined],
    ['not when it is that of all', '0::/\n', ['/sys/fs/cgroup//cgroup.procs'], undefined],
    ['not when ours is of the first version', '12:pids:/user.slice\n', [LIST], undefined],
    ['not when /proc doesn’t tell', '', ['/sys/fs/cgroupundefined/cgroup.procs'], undefined],
  ])('%s', (_, cgroup, lists, list) => {
    const files = { '/proc/self/cgroup': cgroup, ...Object.fromEntries(lists.map((file) => [file, '1\n'])) }
    expect(own(STARTED, files)).toBe(list)
    for (const environment of [{}, { SYSTEMD_EXEC_PID: String(process.ppid) }]) {
      expect(own(environment, files)).toBeUndefined()
    }
  })
})

describe('a signal is pending', () => {
  test('while a stopped process has yet to take it, and no other one', async () => {
    const { group, ended } = await begun(SLEEPS)
    expect(isPending(group, 'SIGTERM')).toBe(false)
    process.kill(group, 'SIGSTOP')
    await expect.poll(() => stateOf(group)).toBe('T')
    process.kill(group, 'SIGTERM')
    const others = ['SIGHUP', 'SIGUSR1', 'SIGSTKFLT', 'SIGALRM'] as const
    expect(others.filter((signal) => isPending(group, signal))).toEqual([])
    expect(isPending(group, 'SIGTERM')).toBe(true)
    process.kill(group, 'SIGCONT')
    await ended
    expect(isPending(group, 'SIGTERM')).toBe(false)
  })

  test('not for one that ignores it', async () => {
    const { group } = await begun(`trap '' USR1; ${SLEEPS}`)
    process.kill(group, 'SIGUSR1')
    expect(isPending(group, 'SIGUSR1')).toBe(false)
    expect(runs(group)).toBe(true)
  })
})
