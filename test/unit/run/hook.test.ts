import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import type { GuardedGroup } from '../../../src/child/guardian.ts'
import { type HookEnd, type RunHook, runHook } from '../../../src/run/hook.ts'
import { processesWith } from '../../kit/processes.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const WHILE = { timeout: 20_000, interval: 5 }

/** Begins a hook, which has a folder for its notes in `$DIR`. */
function begun(line: string, about: Partial<RunHook> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'hook-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const told = new AbortController()
  const clock = new VirtualClock()
  const ctx: Context = { clock, log: SILENT, signal: told.signal, random: () => 0 }
  const groups: (GuardedGroup | undefined)[] = []
  let end: HookEnd | undefined
  const ended = runHook(ctx, {
    event: 'wait',
    line,
    environment: { PATH: process.env.PATH, DIR: dir },
    onGroup: (group) => void groups.push(group),
    ...about,
  }).then((ended) => {
    end = ended
    return ended
  })
  return {
    clock,
    groups,
    ended,
    end: () => end,
    leave: (reason = new AbortReason('told to leave')) => told.abort(reason),
    note: () => readFileSync(join(dir, 'note'), 'utf8').trimEnd(),
    noted: () => vi.waitUntil(() => existsSync(join(dir, 'note')), WHILE),
    /** Waits until a process of the hook's is gone, while time passes bit by bit. */
    async settled() {
      await vi.waitUntil(async () => {
        await clock.advance(50)
        return end !== undefined
      }, WHILE)
      return end
    },
  }
}

/** Children of ours that look out for our death. */
function watchers(): number[] {
  return processesWith('read -r marker').filter(
    (pid) => / \(.*\) \S (?<parent>\d+) /s.exec(statOf(pid))?.groups?.parent === `${process.pid}`,
  )
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return ''
  }
}

const BEGUN = 'echo begun >$DIR/note'
const STAYS = `${BEGUN}; while :; do sleep 0.02; done`
const IGNORES_TERM = `trap "" TERM; ${STAYS}`

describe('a hook', () => {
  test('is a line for the shell, which knows what it is there for', async () => {
    const { ended, note } = begun('echo "$CONSUL_LOCKER_EVENT $(cat)" >$DIR/note; true')
    expect(await ended).toEqual({ why: undefined, isGone: true })
    expect(note()).toBe('wait')
  })

  test('speaks on our standard error alone', async () => {
    const { ended, note } = begun('readlink /proc/self/fd/2 >$DIR/note; [ /proc/self/fd/1 -ef /proc/self/fd/2 ]')
    expect(await ended).toMatchObject({ why: undefined })
    expect(note()).toBe(readlinkSync('/proc/self/fd/2'))
  })

  test('has somebody who ends it should we be killed', async () => {
    const before = watchers()
    const { noted, leave, settled } = begun(STAYS)
    await noted()
    expect(watchers().filter((pid) => !before.includes(pid))).toHaveLength(1)
    leave()
    await settled()
  })

  test('is known by its process group, until it has ended', async () => {
    const { ended, groups, note } = begun('echo $$ >$DIR/note')
    await ended
    expect(groups).toEqual([expect.stringMatching(/^CONSUL_LOCKER_TASK_\w+=1$/), Number(note()), undefined])
  })

  test.each([
    ['exit 7', 7],
    ['kill -9 $$', 137],
    ['no-such-program 2>/dev/null', 127],
  ])('%j fails, and says how', async (line, code) => {
    const { ended } = begun(line, { event: 'release' })
    expect(await ended).toEqual({ why: `--on-release failed with exit code ${code}`, isGone: true })
  })

  test('that can’t be started fails, and says why', async () => {
    // Longer than the kernel takes.
    const { ended } = begun('true', { environment: { TOO_LONG: 'x'.repeat(1_000_000) } })
    expect(await ended).toEqual({
      why: expect.stringMatching(/^--on-wait failed: .*can't be started: argument list too long/),
      isGone: true,
    })
  })

  test('may take half a minute, and is ended then', async () => {
    const { clock, noted, end, settled } = begun(STAYS)
    await noted()
    await clock.advance(29_999)
    expect(end()).toBeUndefined()
    expect(await settled()).toEqual({ why: '--on-wait took longer than 30s, and was ended', isGone: true })
  })

  test('is ended when we leave, and has a second from TERM to KILL', async () => {
    const { clock, noted, end, leave, settled } = begun(IGNORES_TERM)
    await noted()
    leave()
    await clock.advance(999)
    expect(end()).toBeUndefined()
    expect(await settled()).toEqual({ why: '--on-wait was ended before it was done', isGone: true })
  })

  test('has as long from TERM to KILL as the reason leaves it', async () => {
    const reason = new AbortReason('told to leave')
    const reasons: unknown[] = []
    const { clock, noted, end, leave, settled } = begun(IGNORES_TERM, {
      graceMs: (reason) => {
        reasons.push(reason)
        return 300
      },
    })
    await noted()
    leave(reason)
    await clock.advance(299)
    expect(end()).toBeUndefined()
    expect(await settled()).toMatchObject({ isGone: true })
    expect(reasons).toEqual([reason])
  })
})
