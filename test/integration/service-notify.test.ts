import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Context } from '../../src/base/context.ts'
import { createLog } from '../../src/base/log.ts'
import { notifyService } from '../../src/child/service-notify.ts'
import { startSystemd } from '../kit/systemd.ts'
import { scratch } from '../kit/unique.ts'

function context(): { ctx: Context; said: string[] } {
  const said: string[] = []
  const log = createLog({ format: 'text', quiet: false, debug: false, write: (line) => said.push(line) })
  return { ctx: { clock: systemClock, log, signal: new AbortController().signal, random: Math.random }, said }
}

describe('systemd', () => {
  test('is told that we are ready, how we are, and that we end', async () => {
    const systemd = await startSystemd()
    const { ctx, said } = context()
    await notifyService(ctx, systemd.environment, { ready: true, status: 'web is up' })
    await notifyService(ctx, systemd.environment, { status: 'two\nlines\nREADY=1' })
    await notifyService(ctx, systemd.environment, { stopping: true })
    await systemd.hears(/STOPPING=1/)
    expect(systemd.heard).toEqual(['READY=1 STATUS=web is up', 'STATUS=two lines READY=1', 'STOPPING=1'])
    expect(said).toEqual([])
  })

  test('is told nothing when it did not start us', async () => {
    const { ctx, said } = context()
    await notifyService(ctx, { PATH: '/nonexistent' }, { ready: true })
    expect(said).toEqual([])
  })

  test('that has gone costs a warning, nothing more', async () => {
    const { environment } = await startSystemd()
    const { ctx, said } = context()
    await notifyService(ctx, { ...environment, NOTIFY_SOCKET: join(scratch(), 'nobody') }, { ready: true })
    expect(said).toEqual([
      expect.stringMatching(/^consul-locker: warn: systemd can't be told READY=1: .* ended with 1/),
    ])
  })

  test('that has no systemd-notify costs a warning, nothing more', async () => {
    const { ctx, said } = context()
    await notifyService(ctx, { PATH: '/nonexistent', NOTIFY_SOCKET: '/nobody' }, { ready: true })
    expect(said).toEqual([expect.stringMatching(/"systemd-notify" was not found\n$/)])
  })

  test('that never reads does not hold us up', async () => {
    const folder = scratch()
    const endless = join(folder, 'systemd-notify')
    writeFileSync(endless, '#!/bin/sh\nexec sleep 600\n')
    chmodSync(endless, 0o755)
    const { ctx, said } = context()
    const after = (ms: number, wake: () => void) => systemClock.after(ms / 100, wake)
    const hurried: Context = { ...ctx, clock: { ...systemClock, after } }
    await notifyService(hurried, { PATH: `${folder}:/bin`, NOTIFY_SOCKET: '/x' }, { ready: true })
    expect(said).toEqual([expect.stringMatching(/can't be told READY=1: no end within 10s/)])
  })
})
