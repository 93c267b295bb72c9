import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { isMainProcess, notifyService, type ServiceNews } from '../../../src/child/service-notify.ts'
import { processesWith } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { SILENT } from '../../virtual/silent-log.ts'

afterEach(() => vi.restoreAllMocks())

/** A systemd that notes what it is told, before it does what `script` says. */
function service(script = 'exit 0') {
  const folder = scratch()
  const notes = join(folder, 'notes')
  const socket = join(folder, 'socket')
  const program = `#!/bin/sh\n[ "$NOTIFY_SOCKET" = ${socket} ] || exit 9\nprintf '%s\\n' "$#" "$@" >>${notes}\n${script}\n`
  writeFileSync(join(folder, 'systemd-notify'), program, { mode: 0o755 })
  writeFileSync(notes, '')
  const said: string[] = []
  const ctx = {
    clock: systemClock,
    log: { ...SILENT, warn: (line: string) => void said.push(line) },
    signal: AbortSignal.abort('the end'),
    random: () => 0,
  }
  const environment: NodeJS.ProcessEnv = { PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: socket }
  return { ctx, environment, said, told: () => readFileSync(notes, 'utf8').split('\n').slice(0, -1) }
}

describe('systemd is told', () => {
  test.each<[ServiceNews, readonly string[]]>([
    [{ ready: true }, ['READY=1']],
    [{ stopping: true }, ['STOPPING=1']],
    [{ alive: true }, ['WATCHDOG=1']],
    [{ startsWithinMs: 1500 }, ['EXTEND_TIMEOUT_USEC=1500000']],
    [{ startsWithinMs: 0 }, ['EXTEND_TIMEOUT_USEC=0']],
    [{ status: '' }, ['STATUS=']],
    [{ status: 'two\n\nlines of it\tREADY=1' }, ['STATUS=two lines of it READY=1']],
    [{ ready: true, status: 'up' }, ['READY=1', 'STATUS=up']],
  ])('of %j, though we are about to end', async (news, words) => {
    const { ctx, environment, said, told } = service()
    await notifyService(ctx, environment, news)
    expect(told()).toEqual([String(words.length), ...words])
    expect(said).toEqual([])
  })

  test('nothing when there is nothing to tell, or nobody to hear it', async () => {
    const { ctx, environment, said, told } = service()
    await notifyService(ctx, environment, { ready: false, stopping: false, alive: false })
    await notifyService(ctx, { ...environment, NOTIFY_SOCKET: undefined }, { ready: true })
    expect(told()).toEqual([])
    expect(said).toEqual([])
  })
})

describe('of news that don’t arrive is warned', () => {
  test.each([
    ['exit 3', 3],
    ['kill -s TERM $$', 143],
  ])('with its status, when it does %s', async (script, status) => {
    const { ctx, environment, said } = service(script)
    await notifyService(ctx, environment, { ready: true, alive: true })
    const sentence = new RegExp(`^systemd can't be told READY=1 WATCHDOG=1: /.*/systemd-notify ended with ${status}$`)
    expect(said).toEqual([expect.stringMatching(sentence)])
  })

  test('after ten seconds, and whoever hangs is killed', async () => {
    const { ctx, environment, said } = service('exec sleep 600')
    const after = (ms: number, wake: () => void) => {
      expect(ms).toBe(10_000)
      return systemClock.after(100, wake)
    }
    await notifyService({ ...ctx, clock: { ...systemClock, after } }, environment, { ready: true })
    expect(said).toEqual(["systemd can't be told READY=1: no end within 10s"])
    await expect.poll(() => processesWith(environment.NOTIFY_SOCKET ?? '')).toEqual([])
  })
})

describe('a unit’s main process are we', () => {
  const socket = { NOTIFY_SOCKET: '/run/systemd/notify' }

  test('when systemd says so', () => {
    expect(isMainProcess({ ...socket, SYSTEMD_EXEC_PID: String(process.pid) })).toBe(true)
  })

  test('not when systemd says that of another, nor when there is no unit', () => {
    vi.spyOn(process, 'ppid', 'get').mockReturnValue(1)
    expect(isMainProcess({ ...socket, SYSTEMD_EXEC_PID: '4711' })).toBe(false)
    expect(isMainProcess({ SYSTEMD_EXEC_PID: String(process.pid) })).toBe(false)
    expect(isMainProcess({})).toBe(false)
  })

  test('as far as can be seen, when an old systemd says nothing', () => {
    const parent = vi.spyOn(process, 'ppid', 'get')
    parent.mockReturnValue(1)
    expect(isMainProcess(socket)).toBe(true)
    parent.mockReturnValue(4711)
    expect(isMainProcess(socket)).toBe(false)
    vi.spyOn(process, 'pid', 'get').mockReturnValue(1)
    expect(isMainProcess(socket)).toBe(true)
  })
})
