import { writeStderr } from './base/log.ts'
import { main } from './cli/cli.ts'

const BUG = 70

/** The only way out. */
function leave(code: number): never {
  process.exit(code)
}

function bug(thrown: unknown): never {
  const stack = thrown instanceof Error ? thrown.stack : String(thrown)
  writeStderr(`consul-locker: this is a bug, please report it with the lines below\n${stack}\n`)
  leave(BUG)
}

process.on('uncaughtException', bug)
process.on('unhandledRejection', bug)

const root = new AbortController()
main(process.argv.slice(2), root.signal).then(leave, bug)
