import { closeSync, constants, fstatSync, openSync, readSync, rmSync } from 'node:fs'
import { Failure, reasonOf } from '../base/failure.ts'
import { writeAtomically } from '../host/atomic-write.ts'
import { destinationOf } from '../host/destination.ts'
import { isTrusted } from '../host/state-folder.ts'

/** Why checks are told to pass, and until when, as an ISO date. */
export interface Noop {
  readonly reason: string
  readonly by: string
  readonly expires: string
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const WRITABLE_BY_ALL = 0o002
const MAX_BYTES = 4096
/** So much may clocks be put back between a lockfile and the look at it. */
const PUT_BACK_MS = 60_000

/**
 * Makes all checks pass until it is lifted or has expired: whoever crashes meanwhile doesn't switch them off for ever.
 */
export function setNoop(file: string, reason: string, expiresMs: number, nowMs: number): void {
  const noop: Noop = { reason, by: `pid ${process.pid}`, expires: new Date(nowMs + expiresMs).toISOString() }
  try {
    // The agent, whose check reads it, is another user.
    writeAtomically(file, `${JSON.stringify(noop)}\n`, { forAll: true })
  } catch (thrown) {
    throw new Failure('local', `the noop lockfile ${file} can't be written: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

/** Throws a `local` failure when it can't be taken away: then it counts until it expires. */
export function liftNoop(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch (thrown) {
    throw new Failure('local', `the noop lockfile ${file} can't be taken away: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

/**
 * Whether the checks are to pass now: for `expiresMs` from the file's last change, or less if an expiry inside says so.
 * One that another user than root or ours has made or may write to doesn't count, nor does one of the future.
 */
export function isNoop(file: string, expiresMs: number, nowMs: number): boolean {
  try {
    const { text, changedAt } = readOwn(file)
    const expiresAt = Math.min(expiryIn(text), changedAt + expiresMs)
    return changedAt - PUT_BACK_MS <= nowMs && nowMs < expiresAt
  } catch {
    return false
  }
}

function readOwn(file: string): { readonly text: string; readonly changedAt: number } {
  const descriptor = openSync(destinationOf(file).path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const stats = fstatSync(descriptor)
    const isOurs = stats.isFile() && stats.nlink === 1 && isTrusted(stats.uid) && (stats.mode & WRITABLE_BY_ALL) === 0
    if (!isOurs) throw new Error(`${file} may be another user's`)
    const bytes = Buffer.alloc(MAX_BYTES)
    return { text: bytes.toString('utf8', 0, readSync(descriptor, bytes)), changedAt: stats.mtimeMs }
  } finally {
    closeSync(descriptor)
  }
}

/** Never, when there is none: the file may have been made by hand, or by another tool. */
function expiryIn(text: string): number {
  try {
    const { expires } = JSON.parse(text) as Partial<Noop>
    const at = Date.parse(String(expires))
    return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
