import { copyFileSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execute } from '../../scripts/provide/execute.ts'
import { scratch } from './unique.ts'

/** What the README says that a machine must have: glibc, libstdc++ and libgcc. The first is glibc's loader. */
const NEEDED = /^(ld-linux-[\w-]+|libc|libdl|libm|libpthread|libstdc\+\+|libgcc_s)[.]so[.]\d+$/

/** A root directory with these programs, and nothing but the libraries that they may need. */
export async function bareRoot(...programs: string[]): Promise<string> {
  const root = scratch()
  const copy = (path: string) => {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    copyFileSync(realpathSync(path), join(root, path))
  }
  for (const path of programs) {
    copy(path)
    for (const [library] of (await execute('ldd', [path])).matchAll(/\/\S+[.]so[.]\d+/g))
      if (NEEDED.test(library.slice(library.lastIndexOf('/') + 1))) copy(library)
  }
  return root
}
