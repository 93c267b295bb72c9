import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../src/base/clock.ts'
import type { MasterTime } from '../../../../src/leader/guardian/agent-guardian.ts'
import { disarmAfter, Watchdog } from '../../../../src/leader/guardian/watchdog.ts'
import { checkWatchdog } from '../../../../src/leader/guardian/watchdog-plan.ts'
import { WatchedGuardian } from '../../../../src/leader/guardian/watched-guardian.ts'
import { planTiming } from '../../../../src/lock/lease-timing.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { VirtualClock } from '../../../virtual/virtual-clock.ts'

/** A file that stands for the device, and a folder for what the kernel tells of it. */
function machine(about: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'watchdog-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [device, sysfs] = [join(folder, 'device'), join(folder, 'sysfs')]
  writeFileSync(device, '')
  mkdirSync(sysfs)
  for (const [name, text] of Object.entries(about)) writeFileSync(join(sysfs, name), `${text}\n`)
  return { device, sysfs, mode: 'required' as const, written: () => readFileSync(device, 'latin1') }
}

const TIMING = planTiming({ ttlMs: 10_000, graceMs: 11_000 })

describe('a watchdog is relied on', () => {
  test.each([
    ['11', '0', undefined],
    ['11', undefined, undefined],
    ['5', '0', /fires after 5s, though a demotion may take 11s$/],
  ] as const)('with a timeout of %s s and nowayout %s', (timeout, nowayout, worry) => {
    const told = checkWatchdog(machine({ timeout, ...(nowayout === undefined ? {} : { nowayout }) }), TIMING)
    if (worry === undefined) expect(told).toBeUndefined()
    else expect(told).toMatch(worry)
  })

  test('with a longer timeout only when the lock-delay is longer, too', () => {
    const sixty = planTiming({ ttlMs: 10_000, graceMs: 11_000, lockDelayMs: 60_000 })
    expect(checkWatchdog(machine({ timeout: '30' }), sixty)).toBeUndefined()
    expect(() => checkWatchdog(machine({ timeout: '60' }), sixty)).toThrow(/others may be master by then/)
  })

  test.each([
    ['fires too late', { timeout: '60' }, /fires after 1m, and others may be master by then/],
    ['never fires', { timeout: '0' }, /fires after 0ms/],
    ['tells rubbish', { timeout: 'soon' }, /others may be master by then/],
    ['can’t be disarmed', { timeout: '11', nowayout: '1' }, /can't be disarmed/],
    ['is not there', {}, /there is no watchdog that tells its timeout/],
  ])('but not when it %s', (_, about, sentence) => {
    expect(() => checkWatchdog(machine(about), TIMING)).toThrow(sentence)
  })
})

describe('an agent with a watchdog', () => {
  function watched(device: string, isRequired = false) {
    const clock = new VirtualClock()
    const ctx = { clock, log: SILENT, signal: new AbortController().signal, random: Math.random }
    const told: unknown[] = []
    const guardian = {
      failed: new AbortController().signal,
      setSession() {},
      setMaster: (time: unknown) => told.push(time),
      setCallGroup() {},
      dismiss() {},
    }
    const lease: MasterTime & { isLeased: boolean } = { leftMs: 5000, restMs: 11_000, isLeased: true }
    const agent = new WatchedGuardian(ctx, guardian, new Watchdog(device), isRequired)
    return { clock, agent, told, lease }
  }

  test('disarms what a former life left, arms it for a master, pets it while the lease holds, and then no more', async () => {
    const { device, written } = machine()
    const { clock, agent, lease, told } = watched(device)
    expect(written()).toBe('V')
    agent.setMaster(() => lease)
    agent.setMaster(() => lease)
    expect(written()).toBe('V\0')
    await clock.advance(3000)
    expect(written()).toBe('V\0\0\0\0')
    Object.assign(lease, { isLeased: false })
    await clock.advance(60_000)
    expect(written()).toBe('V\0\0\0\0')
    agent.setMaster(undefined)
    expect(written()).toBe('V\0\0\0\0V')
    await clock.advance(60_000)
    expect(written()).toBe('V\0\0\0\0V')
    expect(told).toHaveLength(3)
  })

  test('leaves it alone while what it found may be master without a lease', async () => {
    const { device, written } = machine()
    const { clock, agent, lease } = watched(device)
    agent.setMaster(() => ({ ...lease, isLeased: false }))
    await clock.advance(60_000)
    expect(written()).toBe('V')
  })

  test('that ends without a demotion leaves it armed', async () => {
    const { device, written } = machine()
    const { agent, lease } = watched(device)
    agent.setMaster(() => lease)
    expect(written().endsWith('V')).toBe(false)
  })

  test('hands over when it is required and can’t be armed, and goes on when it is not', () => {
    expect(watched('/nowhere/watchdog', true).agent.failed.aborted).toBe(true)
    expect(watched('/nowhere/watchdog').agent.failed.aborted).toBe(false)
  })
})

test('a guardian disarms the watchdog of a dead agent', async () => {
  const { device, written } = machine()
  const ctx = { clock: systemClock, log: SILENT, signal: new AbortController().signal, random: Math.random }
  new Watchdog(device).arm()
  await disarmAfter(ctx, device, process.pid)
  expect(written()).toBe('V')
})
