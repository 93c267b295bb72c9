import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bareRoot } from '../kit/bare-root.ts'
import { LOCKER, runLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

test('a machine with nothing but glibc, libstdc++ and a broken openssl.cnf runs a command under a lock', async () => {
  const root = await bareRoot(LOCKER, '/bin/sh')
  mkdirSync(join(root, 'etc/ssl'), { recursive: true })
  writeFileSync(join(root, 'etc/ssl/openssl.cnf'), '[broken')
  const name = uniqueName('bare')
  const words = ['--no-guardian', name, 'sh', '-c', 'echo "$CONSUL_LOCKER_NAME"; exit 3']
  const ended = await runLocker(words, { through: ['unshare', '--map-root-user', '--root', root] })
  expect(ended).toMatchObject({ code: 3, stdout: `${name}\n`, stderr: '' })
})
