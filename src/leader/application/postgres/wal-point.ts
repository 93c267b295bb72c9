const LSN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/
const TIMELINE_BITS = 64n

/** A place in the log: a byte of it, on one timeline. */
export interface WalPoint {
  readonly timeline: number
  readonly lsn: bigint
}

/** Reads a position as PostgreSQL writes it (`0/3000148`); `undefined` when it is none. */
export function parseLsn(text: string): bigint | undefined {
  const [, high, low] = LSN.exec(text) ?? []
  return high === undefined || low === undefined ? undefined : (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** As PostgreSQL writes it. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase()
}

/** One number for a place in the log: of two servers of a cluster, who is on a later timeline has more. */
export function orderedPosition({ timeline, lsn }: WalPoint): bigint {
  return (BigInt(timeline) << TIMELINE_BITS) | lsn
}

/** For people. */
export function describePoint({ timeline, lsn }: WalPoint): string {
  return `${formatLsn(lsn)} on timeline ${timeline}`
}

/** As in the names of PostgreSQL's files. */
export function timelineName(timeline: number): string {
  return timeline.toString(16).toUpperCase().padStart(8, '0')
}
