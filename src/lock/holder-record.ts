import { formatDuration } from '../base/duration.ts'
import { oneLine } from '../base/printable.ts'
import type { Entry } from '../consul/kv.ts'
import { LOCK_DELAY_MAX_MS, type Timing } from './lease-timing.ts'

const DETAIL_LENGTH = 60
/** A longer value is no record of ours; nobody reads on. */
const LONGEST_RECORD = 8192
/** So much of a command stands in a record. */
const COMMAND_LENGTH = 512
/** Everybody in a line reads all of it. In bytes. */
const WAITER_BYTES = 256
/** What stood in the entry of a waiter for several locks, before there were records. */
const ALSO = 'also'

/**
 * Who holds a lock: the value of the lock's key, which whoever may write the key may have written. Exclusion never
 * depends on it. What does, beside what people are told:
 *
 * - how long a waiter sleeps after the holder's session died: `lockDelayMs` (`LockDelay`)
 * - how many are before a waiter, and so how often it looks: `turn` (`QueueTicket`)
 * - from which index a holder watches its key, and whether `turn` is of this line: `fence` (`heldFence`)
 * - whom a request for the lock means (`runId`, `kept`), and whether its holder heeds it: `runId` and `releaseAskedBy`
 *   are as good as TERM to a run (`requesterIn`)
 * - whether a dead holder's session is ended: a switch's by `host`, `pid` or `runId` (`SwitchLock`), an agent's of
 *   `leader` by what its record has more (`isFormerLife`)
 * - the history of runs: what a holder left that never gave the lock back (`unendedRuns`), or whose guardian does that
 *   (`historyOnBehalf`)
 * - as whose program `unlock` shows it (`keeperOf`)
 *
 * Of a rollout's slots the value says for whom they are kept, too, and that one counts: see `reservedFor`.
 */
export interface HolderRecord {
  readonly host: string
  readonly pid: number
  readonly user: string
  readonly command: readonly string[]
  /** Since when it holds the lock, as an ISO date. */
  readonly since: string
  readonly runId: string
  /** How long Consul keeps the lock closed when this holder's session dies. */
  readonly lockDelayMs: number
  /** The fence, which whoever has written the key since has left here: see `heldFence`. */
  readonly fence?: number
  /** The ticket of a holder that came from the line. */
  readonly turn?: number
}

/** Who wants a lock, as its record will tell. */
export type Holder = Pick<HolderRecord, 'host' | 'pid' | 'user' | 'command' | 'runId'>

/** The record of a holder since this time, as the key's value; `more` is what a mode tells beside it. */
export function holderRecord(
  { host, pid, user, command, runId }: Holder,
  { lockDelayMs }: Pick<Timing, 'lockDelayMs'>,
  sinceMs: number,
  more: object = {},
): string {
  const since = new Date(sinceMs).toISOString()
  const record: HolderRecord = { host, pid, user, command, since, runId, lockDelayMs }
  return JSON.stringify({ ...record, ...more })
}

/** The program alone, for its arguments may be secrets; or, when all are wanted, as many of the words as fit in. */
export function recordedCommand([program, ...args]: readonly [string, ...string[]], withArguments: boolean): string[] {
  const words: string[] = []
  let left = COMMAND_LENGTH
  for (const word of withArguments ? [program, ...args] : [program]) {
    words.push(word.length > left ? `${word.slice(0, left)}…` : word)
    left -= word.length
    if (left <= 0) break
  }
  return words
}

/**
 * Who waits for a lock: the value of an entry in its line. Nothing depends on it but what people are told, and `also`.
 */
export interface WaiterRecord extends Pick<HolderRecord, 'host' | 'pid' | 'user' | 'command'> {
  /** Since when it waits, as an ISO date. */
  readonly since: string
  /** It waits for other locks, too. */
  readonly also?: true
}

/** The record of a waiter since this time that would hold with that record; names that are too long are cut. */
export function waiterRecord(held: string, sinceMs: number, isForMore: boolean): string {
  const { host, pid, user, command } = parseHolderRecord(held)
  const since = new Date(sinceMs).toISOString()
  for (let most = WAITER_BYTES; ; most = most >> 1) {
    const cut = (text: string | undefined) => (text && text.length > most ? `${text.slice(0, most)}…` : text)
    const words = command && { command: [cut(command.join(' '))] }
    const text = JSON.stringify({
      host: cut(host),
      pid,
      user: cut(user),
      ...words,
      since,
      ...(isForMore && { also: true }),
    })
    if (Buffer.byteLength(text) <= WAITER_BYTES || most === 0) return text
  }
}

/** What an entry's value tells of a waiter; nothing of one of an older version. */
export function parseWaiterRecord(value: string): Partial<WaiterRecord> {
  if (value === ALSO) return { also: true }
  const { host, pid, user, command, since } = parseHolderRecord(value)
  const told = Object.entries({ host, pid, user, command, since }).filter(([, field]) => field !== undefined)
  return { ...Object.fromEntries(told), ...(waitsForMore(value) && { also: true }) }
}

/** Whether whoever left this in a line waits for other locks, too. */
export function waitsForMore(value: string): boolean {
  if (value === ALSO) return true
  return value.length <= LONGEST_RECORD && value.includes('"also":true') && Object(parseJson(value)).also === true
}

const isText = (value: unknown) => typeof value === 'string'
const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) > 0

/** A check by hand, for this is on the way of every run: loading valibot would take longer than reading the key. */
const CHECKS: Record<keyof HolderRecord, (value: unknown) => boolean> = {
  host: (value) => isText(value) && value !== '',
  pid: isCount,
  user: isText,
  command: (value) => Array.isArray(value) && value.every(isText),
  since: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  runId: isText,
  lockDelayMs: (value) => typeof value === 'number' && value >= 0 && value <= LOCK_DELAY_MAX_MS,
  fence: isCount,
  turn: isCount,
}

/**
 * What a key's value tells of its holder; what isn't as we write it is absent. Other tools leave a host name, or
 * nothing.
 */
export function parseHolderRecord(value: string): Partial<HolderRecord> {
  if (value.length > LONGEST_RECORD) return {}
  const json = parseJson(value)
  if (typeof json === 'object') return fieldsOf({ ...json })
  return /^[\w.-]{1,253}$/.test(value.trim()) ? { host: value.trim() } : {}
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

function fieldsOf(json: Readonly<Record<string, unknown>>): Partial<HolderRecord> {
  const checks = Object.entries(CHECKS)
  return Object.fromEntries(checks.filter(([name, isFine]) => isFine(json[name])).map(([name]) => [name, json[name]]))
}

/**
 * How long Consul keeps a lock closed after the holder with this value lost its session, in milliseconds, and never
 * longer than Consul can; 0 when the value doesn't tell.
 */
export function lockDelayOf(value: string): number {
  return parseHolderRecord(value).lockDelayMs ?? 0
}

/** The fence that a key is held under: its ModifyIndex, unless who asks for the lock has written it since. */
export function heldFence({ value, modifyIndex }: Pick<Entry, 'value' | 'modifyIndex'>): number {
  return Math.min(parseHolderRecord(value).fence ?? modifyIndex, modifyIndex)
}

/** A holder's record, with its ticket. */
export function withTurn(record: string, turn: number | undefined): string {
  return turn === undefined ? record : JSON.stringify({ ...Object(parseJson(record)), turn })
}

/** The record of a waiter that is handed the lock now; `undefined` for what is none. */
export function recordSince(record: string, sinceMs: number): string | undefined {
  if (parseHolderRecord(record).runId === undefined) return undefined
  return JSON.stringify({ ...Object(parseJson(record)), since: new Date(sinceMs).toISOString() })
}

/** The ticket of the holder with this value; `undefined` when it doesn't tell. */
export function turnIn(value: string): number | undefined {
  return parseHolderRecord(value).turn
}

/** `held by web3 (pid 812, ./bootstrap.sh) for 4m12s`, as far as the value tells. */
export function describeHolder(value: string, nowMs: number): string {
  const { host, pid, command, since } = parseHolderRecord(value)
  if (!host) return 'held by someone who left no name'
  const details: string[] = []
  if (pid !== undefined) details.push(`pid ${pid}`)
  if (command) details.push(oneLine(command.join(' '), DETAIL_LENGTH))
  const duration = since === undefined ? '' : ` for ${formatDuration(Math.max(0, nowMs - Date.parse(since)))}`
  return `held by ${oneLine(host, DETAIL_LENGTH)}${details.length > 0 ? ` (${details.join(', ')})` : ''}${duration}`
}
