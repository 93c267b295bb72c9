import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { execute } from '../../scripts/provide/execute.ts'
import { LOCKER, runLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** What the README says that a machine must have: glibc, libstdc++ and libgcc. The first is glibc's loader. */
const NEEDED = /^(ld-linux-[\w-]+|libc|libdl|libm|libpthread|libstdc\+\+|libgcc_s)[.]so[.]\d+$/

/** A root directory with these programs, and nothing but the libraries that they may need. */
async function bareRoot(...programs: string[]): Promise<string> {
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

test('a machine with nothing but glibc, libstdc++ and a broken openssl.cnf runs a command under a lock', async () => {
  const root = await bareRoot(LOCKER, '/bin/sh')
  mkdirSync(join(root, 'etc/ssl'), { recursive: true })
  writeFileSync(join(root, 'etc/ssl/openssl.cnf'), '[broken')
  const name = uniqueName('bare')
  const words = ['--no-guardian', name, 'sh', '-c', 'echo "$CONSUL_LOCKER_NAME"; exit 3']
  const ended = await runLocker(words, { through: ['unshare', '--map-root-user', '--root', root] })
  expect(ended).toMatchObject({ code: 3, stdout: `${name}\n`, stderr: '' })
})
