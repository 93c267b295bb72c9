import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  GUARDIAN_SLACK_MS,
  LOCK_DELAY_MAX_MS,
  MARGIN_MS,
  planTiming,
  RENEW_ATTEMPT_MS,
  RENEW_RETRY_MS,
} from '../../src/lock/lease-timing.ts'

const DOCUMENT = 'docs/safety.md'
const TEXT = readFileSync(join(import.meta.dirname, '../..', DOCUMENT), 'utf8').replaceAll('\n', ' ')

/** The durations in a row of its first table, in milliseconds, by columns. */
function row(title: string): number[] {
  const [, cells = ''] = new RegExp(`\\| ${title} \\|(.*?\\|) (?:\\||$)`).exec(TEXT) ?? []
  return [...cells.matchAll(/ ([\d.]+) s\b.*?\|/g)].map(([, seconds]) => Number(seconds) * 1000)
}

test(`${DOCUMENT} › has the times that the arithmetic gives for a run, a leader and a rollout`, () => {
  const [ttls, renews, graces, delays] = ['TTL', 'renewed every', 'grace', 'lock-delay'].map(row)
  expect(planTiming({})).toEqual({
    ttlMs: ttls?.[0],
    renewMs: renews?.[0],
    graceMs: graces?.[0],
    lockDelayMs: delays?.[0],
  })
  for (const n of [0, 1, 2]) {
    const [ttlMs = 0, renewMs = 0, graceMs = 0] = [ttls?.[n], renews?.[n], graces?.[n]]
    expect(planTiming({ ttlMs, renewMs, graceMs }).lockDelayMs).toBe(delays?.[n])
  }
})

test.each([
  `An attempt has ${RENEW_ATTEMPT_MS / 1000} s; after that another one begins ${RENEW_RETRY_MS / 1000} s later`,
  `/ 10 + ${MARGIN_MS / 1000} s`,
  `and ${GUARDIAN_SLACK_MS} ms more`,
  `Consul's longest is ${LOCK_DELAY_MAX_MS / 1000} s`,
])(`${DOCUMENT} › says as the code does: %s`, (words) => {
  expect(TEXT).toContain(words)
})
