import type { ChildProcess } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { started } from './begun.ts'

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), '../../../src/child')

/** A process of its own that does this, with what these modules of src/child export: its end is to be seen. */
export function runner(modules: readonly string[], code: string): ChildProcess {
  const imports = modules.map(
    (name) => `import * as ${name.replaceAll('-', '_')} from ${JSON.stringify(join(SOURCES, `${name}.ts`))}`,
  )
  const script = [...imports, "import { spawn } from 'node:child_process'", code].join('\n')
  return started([process.execPath, '--input-type=module', '--eval', script], {
    stdio: 'ignore',
  })
}
