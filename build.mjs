// Builds dist/consul-locker: the application in a start-up snapshot, embedded in the pinned Node. With --plain it
// builds dist/consul-locker-plain, without all that Node's documentation doesn't promise: docs/internals.md. What is
// there already and was made of the same is left as it is. With --manual it writes dist/man and dist/completions, too,
// and with --npm FOLDER npm's packages, for machines like this one.
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildExecutable, buildPlain } from './build/build.ts'
import { writeManual } from './build/manual.ts'

const dist = fileURLToPath(new URL('dist', import.meta.url))
const { plain, manual, npm } = parseArgs({
  options: { plain: { type: 'boolean' }, manual: { type: 'boolean' }, npm: { type: 'string' } },
}).values
const executable = `${dist}/consul-locker${plain ? '-plain' : ''}`

await (plain ? buildPlain(executable) : buildExecutable(executable))
if (manual) writeManual(executable, dist)
if (npm !== undefined) {
  const { makeMainPackage, makePlatformPackage } = await import('./build/npm/packages.ts')
  const folder = resolve(npm)
  await makeMainPackage(folder)
  makePlatformPackage(folder, process.arch, executable)
}
