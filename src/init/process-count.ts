import { readdirSync, readFileSync, statSync } from 'node:fs'
import { Failure } from '../base/failure.ts'
import type { Observation } from './check-result.ts'
import { healthOfCount, type Thresholds } from './thresholds.ts'

/** A process as /proc tells it. */
export interface ProcessLine {
  /** Its program's name, without folder and arguments, cut at 15 characters by the kernel. */
  readonly name: string
  /** Its whole command line. */
  readonly line: string
  readonly uid: number
}

/** Which processes to look for, and how many of them there should be. */
export interface ProcessQuery {
  /** For people. */
  readonly text: string
  readonly tests: readonly ((process: ProcessLine) => boolean)[]
  readonly thresholds: Thresholds
}

/** How many processes of this kind run; ourselves, our parent and the kernel's own apart. */
export function observeProcesses({ text, tests, thresholds }: ProcessQuery): Observation {
  const own = [process.pid, process.ppid].map(String)
  const pids = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && !own.includes(pid))
  const count = pids
    .map(processLine)
    .filter((found) => found !== undefined)
    .filter((found) => tests.every((test) => test(found))).length
  const health = healthOfCount(count, thresholds)
  return { type: 'process', name: text, state: count > 0 ? 'running' : 'stopped', health, count }
}

function processLine(pid: string): ProcessLine | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    if (line === '') return undefined
    return { line, name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), uid: statSync(`/proc/${pid}`).uid }
  } catch {
    return undefined // It ended while we looked.
  }
}

/** A user's number. Throws a `usage` failure for one that there isn't. */
export function uidOf(user: string): number {
  const uid = localUid(user)
  if (uid === undefined) throw new Failure('usage', `there is no user ${JSON.stringify(user)}`)
  return uid
}

/** The number of a user of this machine; `undefined` for one that only a directory service may know. */
export function localUid(user: string): number | undefined {
  const entries = readFileSync('/etc/passwd', 'utf8').split('\n')
  const uid = entries.map((line) => line.split(':')).find(([name]) => name === user)?.[2]
  return uid === undefined ? undefined : Number(uid)
}

/** Throws a `usage` failure for a text that is no regular expression. */
export function expression(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch {
    throw new Failure('usage', `${JSON.stringify(source)} is no regular expression`)
  }
}
