import { parseDuration } from '../../base/duration.ts'

/** How far a replica is behind its master, as far as anybody can tell. */
export interface Lag {
  /** What it has applied is so old, in milliseconds. */
  readonly lagMs?: number | undefined
  /** So much of what the master has is missing, in the application's own measure: bytes, mostly. */
  readonly lag?: number | undefined
}

/** How far behind is too far, in either measure. */
export type LagBound = { readonly ms: number } | { readonly positions: number }

/** Powers of 1024, as PostgreSQL and Patroni write them. */
const SIZES: Readonly<Record<string, number>> = { '': 1, B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }

/**
 * Reads a bound: a duration with its unit (`10s`, `500ms`), or positions (`1048576`, `16MB`), as Patroni's `lag`.
 * `undefined` when it is neither.
 */
export function parseLagBound(text: string): LagBound | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,15})([A-Za-z]*)$/.exec(text) ?? []
  const size = digits === '' ? undefined : SIZES[unit]
  if (size !== undefined) return { positions: Number(digits) * size }
  const ms = /^[\d.]+$/.test(text) ? undefined : parseDuration(text)
  return ms === undefined ? undefined : { ms }
}

/** Whether a replica is too far behind its master; `undefined` when nobody knows. */
export function isBeyond({ lagMs, lag }: Lag, bound: LagBound): boolean | undefined {
  const [behind, most] = 'ms' in bound ? [lagMs, bound.ms] : [lag, bound.positions]
  return behind === undefined ? undefined : behind > most
}

/** The lag that an application's own words name, as `lag=2s` or `lag=1048576` among them. */
export function lagIn(words: string): Lag {
  const bound = parseLagBound(/(?:^|\s)lag=(\S+)/.exec(words)?.[1] ?? '')
  if (bound === undefined) return {}
  return 'ms' in bound ? { lagMs: bound.ms } : { lag: bound.positions }
}
