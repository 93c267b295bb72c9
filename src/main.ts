import { startupSnapshot } from 'node:v8'
import { printable } from './base/excerpt.ts'
import { messageOf } from './base/failure.ts'
import { writeStderr } from './base/log.ts'
import { dieOfInterrupt } from './child/foreground.ts'
import { main } from './cli/cli.ts'

const BUG = 70

const INTERRUPTED = 130

/** The only way out. */
function leave(code: number): never {
  if (code === INTERRUPTED) dieOfInterrupt()
  process.exit(code)
}

function bug(thrown: unknown): never {
  const stack = (thrown instanceof Error && thrown.stack) || messageOf(thrown)
  const lines = ['consul-locker: this is a bug, please report it with the lines below', ...stack.split('\n')]
  writeStderr(`${lines.map(printable).join('\n')}\n`)
  leave(BUG)
}

/** Begins the work. What runs before this, while modules load, is done once and for all in the start-up snapshot. */
export function start(): void {
  process.on('uncaughtException', bug)
  process.on('unhandledRejection', bug)
  const root = new AbortController()
  main(process.argv.slice(2), root.signal).then(leave, bug)
}

if (!startupSnapshot.isBuildingSnapshot()) start()
