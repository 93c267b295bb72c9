import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { debianRoot } from '../../../scripts/provide/debian-root.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { DebianMachine } from '../../kit/debian-machine.ts'
import { block } from '../../kit/documents.ts'
import { uniqueName } from '../../kit/unique.ts'

/**
 * What dpkg writes down of its own work, and what lasts until the next boot: the socket of a runner that was killed.
 */
const NOTES = '/var/(log/(dpkg.log|alternatives.log)|cache/ldconfig/.*|lib/dpkg/(.*-old|lock.*|triggers/.*))'
const LIST = `find / -xdev ! -regex '${NOTES}' ! -path '/tmp/*' ! -path '/dev/*' ! -path '/run/consul-locker*' -printf '%p %y %m\\n' | sort`

const INSTALL = block('docs/install.md', 'dpkg --install')
const [PURGE = ''] = block('docs/install.md', 'dpkg --purge').split('\n')
const [FILE] = /\S+[.]deb/.exec(INSTALL) ?? []

/** Installs a .deb in a Debian without anything else, uses it, and purges it. */
export async function livesAndGoes(suite: string, deb: string): Promise<void> {
  const machine = await DebianMachine.start(await debianRoot(suite))
  const does = async (text: string, input?: Buffer) => {
    const { code, stdout, stderr } = await machine.does(text, input)
    expect({ text, code, stderr }).toEqual({ text, code: 0, stderr: expect.any(String) })
    return stdout
  }
  const before = await does(LIST)
  await does(`cat >/tmp/${FILE}`, readFileSync(deb))
  await does(`cd /tmp; ${INSTALL}`)
  expect(await does('dpkg --verify consul-locker; dpkg-query --show consul-locker')).toMatch(/^consul-locker\t\d+[.]/)
  expect(await does('find /etc/systemd -name "consul-locker*"')).toBe('')
  expect(await does('ls /usr/lib/systemd/system')).toContain('consul-locker-leader@.service')
  expect(await does('consul-locker --version')).toMatch(/^consul-locker \d/)

  const [name, consul] = [uniqueName('deb'), new ConsulClient()]
  const killed = machine.run(`consul-locker ${name} sh -c 'echo $PPID; exec sleep 600'`)
  const [runner] = await killed.prints(/^\d+(?=\n)/)
  expect(await machine.does(`consul-locker --no-wait ${name} true`)).toMatchObject({ code: 1 })
  // Its guardian finds what it needs there, and gives the lock back.
  await does(`kill -9 ${runner}`)
  expect(await does(`consul-locker --wait 30s ${name} echo next`)).toBe('next\n')
  expect(await consul.remains(name)).toEqual([])

  await does(PURGE)
  expect(await does(LIST)).toBe(before)
}
