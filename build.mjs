// Builds dist/consul-locker: the application in a start-up snapshot, embedded in the pinned Node. With --plain it builds
// dist/consul-locker-plain, without all that Node's documentation doesn't promise: docs/internals.md. What is there already
// and was made of the same is left as it is. With --manual it writes dist/man and dist/completions, too.
import { fileURLToPath } from 'node:url'
import { buildExecutable, buildPlain } from './build/build.ts'
import { writeManual } from './build/manual.ts'

const dist = fileURLToPath(new URL('dist', import.meta.url))

await (process.argv.includes('--plain')
  ? buildPlain(`${dist}/consul-locker-plain`)
  : buildExecutable(`${dist}/consul-locker`))

if (process.argv.includes('--manual')) writeManual(`${dist}/consul-locker`, dist)
