import { openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from './history-file.ts'

/**
 * The command that contenders run: `work DIR HOST prompt|stubborn`. It writes what it does to DIR/history, adds to
 * DIR/counter without any lock but the one that it should be under, and does what DIR/order says: `short`, end soon;
 * `long`, go on. It runs as it stands, without imports of ours at run time: it must start fast.
 */
const BEAT_MS = 5
const COUNTER_WIDTH = 12
const SHORT_LIFE_MS = [50, 400] as const

// The process began before our first line ran.
const beganAt = Number(process.hrtime.bigint()) / 1e6 - performance.now()
const [dir = '', host = '', kind = ''] = process.argv.slice(2)
const history = openSync(join(dir, 'history'), 'a')
const counter = openSync(join(dir, 'counter'), 'r+')
const { CONSUL_LOCKER_FENCE: fence, CHAOS_RUNNER } = process.env
const runner = Number(CHAOS_RUNNER ?? process.ppid)
const life = `${host}/${process.pid}@${Math.round(beganAt)}`
let read: number | undefined
let endAt: number | undefined

process.on('SIGTERM', () => {
  write({ at: now(), event: 'term', life })
  if (kind === 'prompt') end(143)
})
write({
  at: beganAt,
  event: 'begin',
  life,
  host,
  pid: process.pid,
  runner,
  ...(kind === 'stubborn' ? { stubborn: true } : {}),
  ...(fence === undefined ? {} : { fence: Number(fence) }),
})
setInterval(beat, BEAT_MS)

function beat(): void {
  write({ at: now(), event: 'beat', life, ...(isAlive(runner) ? {} : { orphan: true }) })
  if (read === undefined) read = count()
  else add(read + 1)
  obey()
}

/** Reading and writing lie a whole beat apart, so that whoever else is at work here gets in between. */
function add(value: number): void {
  // One write of fixed width: a KILL can't leave half of it.
  writeSync(counter, String(value).padStart(COUNTER_WIDTH), 0)
  write({ at: now(), event: 'add', life, value })
  read = undefined
}

function count(): number {
  const buffer = Buffer.alloc(COUNTER_WIDTH)
  readSync(counter, buffer, 0, buffer.length, 0)
  return Number(buffer.toString())
}

function obey(): void {
  const order = ordered()
  if (order === 'long') {
    endAt = undefined
    return
  }
  const [least, most] = SHORT_LIFE_MS
  endAt ??= now() + least + Math.random() * (most - least)
  if (order === undefined || now() > endAt) end(0)
}

/** Without its directory, the whole chaos is over. */
function ordered(): string | undefined {
  try {
    return readFileSync(join(dir, 'order'), 'utf8').trim()
  } catch {
    return undefined
  }
}

function end(code: number): never {
  write({ at: now(), event: 'end', life })
  process.exit(code)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function write(entry: Entry): void {
  writeSync(history, `${JSON.stringify(entry)}\n`)
}
