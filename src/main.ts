import { isatty } from 'node:tty'
import { startupSnapshot } from 'node:v8'
import { systemClock } from './base/clock.ts'
import { messageOf } from './base/failure.ts'
import { allWritten } from './base/line-writer.ts'
import { writeStderr } from './base/log.ts'
import { isWritePending } from './base/nonblocking-output.ts'
import { printable } from './base/printable.ts'
import { keepOutOfCores } from './child/core-dump.ts'
import { dieOfInterrupt } from './child/foreground.ts'
import { main } from './cli/cli.ts'
import { EXIT } from './cli/exit-codes.ts'

/** How long our last words may wait for a reader. */
const LAST_WORDS_MS = 1000

let isLeaving = false

/** The only way out. */
async function leave(code: number): Promise<void> {
  if (isLeaving) return
  isLeaving = true
  if (isWritePending())
    await Promise.race([allWritten(), new Promise<void>((late) => systemClock.after(LAST_WORDS_MS, late))])
  if (code === EXIT.interrupted) dieOfInterrupt()
  if (isWritePending()) vanish(code)
  process.exit(code)
}

/**
 * Exits in spite of a write that nobody takes: for its thread an exit would wait, while a program that takes the
 * process over ends all threads.
 */
function vanish(code: number): void {
  process.emit('exit', code)
  process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {})
}

function bug(thrown: unknown): Promise<void> {
  const stack = (thrown instanceof Error && thrown.stack) || messageOf(thrown)
  const lines = ['consul-locker: this is a bug, please report it with the lines below', ...stack.split('\n')]
  writeStderr(`${lines.map(printable).join('\n')}\n`)
  return leave(EXIT.bug)
}

/** Begins the work. What runs before this, while modules load, is done once and for all in the start-up snapshot. */
export function start(): void {
  keepOutOfCores()
  // Node asks it for colours now and then, and its making turns a pipe non-blocking for all who share it.
  if (!isatty(2)) Object.defineProperty(process, 'stderr', { value: undefined })
  // What Node warns of is for those who write programs, and without the stream above its own listener throws.
  process.removeAllListeners('warning')
  process.on('uncaughtException', bug)
  process.on('unhandledRejection', bug)
  const root = new AbortController()
  main(process.argv.slice(2), root.signal).then(leave, bug)
}

if (!startupSnapshot.isBuildingSnapshot()) start()
