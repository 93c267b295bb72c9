import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Failure, messageOf } from '../base/failure.ts'

/** Why checks are told to pass, and until when, as an ISO date. */
export interface Noop {
  readonly reason: string
  readonly by: string
  readonly expires: string
}

/** Makes all checks pass until it is lifted or has expired: whoever crashes meanwhile doesn't switch them off for ever. */
export function setNoop(file: string, reason: string, expiresMs: number, nowMs: number): void {
  const noop: Noop = { reason, by: `pid ${process.pid}`, expires: new Date(nowMs + expiresMs).toISOString() }
  try {
    const draft = `${file}.${process.pid}.tmp`
    writeFileSync(draft, `${JSON.stringify(noop)}\n`)
    renameSync(draft, file)
  } catch (thrown) {
    throw new Failure('declined', `the noop lockfile can't be written: ${messageOf(thrown)}`, { cause: thrown })
  }
}

export function liftNoop(file: string): void {
  rmSync(file, { force: true })
}

/**
 * Whether the checks are to pass now. A file without an expiry inside (made by hand, or by another tool) counts for
 * `expiresMs` from its last change.
 */
export function isNoop(file: string, expiresMs: number, nowMs: number): boolean {
  try {
    const expiresAt = expiryIn(readFileSync(file, 'utf8')) ?? statSync(file).mtimeMs + expiresMs
    return nowMs < expiresAt
  } catch {
    return false
  }
}

function expiryIn(text: string): number | undefined {
  try {
    const { expires } = JSON.parse(text) as Partial<Noop>
    const at = Date.parse(String(expires))
    return Number.isNaN(at) ? undefined : at
  } catch {
    return undefined
  }
}
