import { loadavg } from 'node:os'

/** Running processes over the last minute. */
export function currentLoad(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2))
}
