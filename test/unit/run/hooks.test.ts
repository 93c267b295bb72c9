import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import { Loss } from '../../../src/lock/loss.ts'
import { type HookLines, Hooks } from '../../../src/run/hooks.ts'
import type { RunOutcome, RunResult } from '../../../src/run/run-outcome.ts'
import type { RunSpec } from '../../../src/run/run-spec.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const NOTHING: HookLines = { wait: [], lost: [], release: [] }
const LOSS = new Loss('key-taken', 'somebody else\nholds the key')

const ended = (outcome: RunOutcome): RunResult => ({ outcome, fence: 7, waitedMs: 0 })

/** A run's hooks, which have a folder for their notes in `$DIR`. */
function hooked(lines: Partial<HookLines>) {
  const dir = mkdtempSync(join(tmpdir(), 'hooks-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const warnings: string[] = []
  const log = { ...SILENT, warn: (line: string) => void warnings.push(line) }
  const ctx: Context = { clock: new VirtualClock(), log, signal: new AbortController().signal, random: () => 0 }
  const environment = { PATH: process.env.PATH, DIR: dir, CONSUL_LOCKER_FENCE: 'outer' }
  const spec = { lock: { name: 'db', key: 'consul-locker-db' }, runId: 'one', environment } as unknown as RunSpec
  return {
    ctx,
    warnings,
    hooks: new Hooks(ctx, spec, { ...NOTHING, ...lines }),
    note: () => readFileSync(join(dir, 'note'), 'utf8'),
    isNoted: () => existsSync(join(dir, 'note')),
    /** Waits until a hook has written there. */
    noted: () => vi.waitUntil(() => existsSync(join(dir, 'note')), { timeout: 20_000, interval: 5 }),
  }
}

/** A lock that is ours, of a session that is not renewed. */
async function held() {
  const { clock, acquire } = virtualLock()
  const held = won(await clock.run(acquire()))
  held.session.end()
  return held
}

const NOTE = (...variables: string[]) =>
  `printf '%s\\n' "${['EVENT', ...variables].map((name) => `\${CONSUL_LOCKER_${name}-none}`).join('|')}" >>$DIR/note`

describe('a hook hears', () => {
  test('of the first wait, and why', async () => {
    const { hooks, ctx, note, warnings } = hooked({ wait: [NOTE('NAME', 'KEY', 'RUN_ID', 'REASON', 'SESSION')] })
    hooks.waiting('held by\nweb1')
    hooks.waiting('held by web2')
    await hooks.settled(ctx)
    expect(note()).toBe('wait|db|consul-locker-db|one|held by\\nweb1|none\n')
    expect(warnings).toEqual([])
  })

  test('of a loss, and which lock it was', async () => {
    const { hooks, ctx, note } = hooked({ lost: [NOTE('LOSS', 'REASON', 'SESSION', 'FENCE', 'BESIDE')] })
    const ours = await held()
    hooks.acquired(ours)
    hooks.lost(LOSS)
    await hooks.settled(ctx)
    expect(note()).toBe(`lost|key-taken|somebody else\\nholds the key|${ours.session.id}|${ours.fence}|1\n`)
  })

  test.each<[string, RunResult | Failure, string]>([
    ['a command', ended({ kind: 'ran', status: { code: 3 } }), 'ran|3'],
    ['a command that a signal ended', ended({ kind: 'ran', status: { signal: 'SIGKILL' } }), 'ran|137'],
    ['a command that could not be ended', ended({ kind: 'timed-out' }), 'timed-out|none'],
    ['a run without its command', ended({ kind: 'unprepared', why: 'a hook failed' }), 'unprepared|none'],
    ['a run that failed', new Failure('unreachable', 'Consul is away'), 'unreachable|none'],
  ])('of the end of %s', async (_, end, told) => {
    const { hooks, ctx, note } = hooked({ release: [NOTE('OUTCOME', 'CHILD_EXIT')] })
    hooks.acquired(await held())
    hooks.finished(end)
    await hooks.settled(ctx)
    expect(note()).toBe(`release|${told}\n`)
  })

  test('nothing of the end of a run that never had its lock', async () => {
    const { hooks, ctx, isNoted } = hooked({ release: [NOTE()] })
    hooks.finished(ended({ kind: 'busy' }))
    await hooks.settled(ctx)
    expect(isNoted()).toBe(false)
  })
})

describe('hooks', () => {
  test('are all run, each by itself, and one that fails costs a warning', async () => {
    const { hooks, ctx, note, warnings } = hooked({ wait: ['exit 7', NOTE(), 'kill -9 $$'] })
    hooks.waiting('busy')
    await hooks.settled(ctx)
    expect(note()).toBe('wait\n')
    expect(warnings.sort()).toEqual(['--on-wait failed with exit code 137', '--on-wait failed with exit code 7'])
  })

  test('are waited for until somebody wants us to leave', async () => {
    const { hooks, ctx, noted, warnings } = hooked({ wait: ['echo begun >$DIR/note; sleep 60'] })
    hooks.waiting('busy')
    await noted()
    const told = new AbortController()
    const settled = hooks.settled({ ...ctx, signal: told.signal })
    expect(warnings).toEqual([])
    told.abort(new AbortReason('told to leave'))
    // It looks now and then whether the hook is gone.
    await advanceUntil(ctx, settled)
    expect(warnings).toEqual(['--on-wait was ended before it was done'])
  })

  test('are ended at once when somebody wants us to leave already', async () => {
    const { hooks, ctx, noted, warnings } = hooked({ wait: ['echo begun >$DIR/note; sleep 60'] })
    hooks.waiting('busy')
    await noted()
    const settled = hooks.settled({ ...ctx, signal: AbortSignal.abort(new AbortReason('told to leave')) })
    await advanceUntil(ctx, settled)
    expect(warnings).toEqual(['--on-wait was ended before it was done'])
  })
})

/** Lets time pass bit by bit, as processes go on, until this has settled. */
async function advanceUntil({ clock }: Context, work: Promise<unknown>): Promise<void> {
  let isOver = false
  work.finally(() => {
    isOver = true
  })
  await vi.waitUntil(
    async () => {
      await (clock as VirtualClock).advance(50)
      return isOver
    },
    { timeout: 20_000, interval: 5 },
  )
}
