import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const mounts = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].filter((dir) => existsSync(join(dir, 'cgroup.procs')))

/** A cgroup of the test's own; `undefined` where the machine lets nobody make one (an unprivileged container). */
function makeCgroup(name: string): string | undefined {
  const [mount] = mounts
  if (mount === undefined) return undefined
  try {
    mkdirSync(join(mount, name))
    return join(mount, name)
  } catch {
    return undefined
  }
}

const probe = makeCgroup(`consul-locker-probe-${process.pid}`)
if (probe !== undefined) rmdirSync(probe)

// systemd's promise to a unit's main process: SYSTEMD_EXEC_PID is its own id, and the cgroup is the unit's alone.
const AS_UNIT = 'echo $$ >"$CGROUP/cgroup.procs"; SYSTEMD_EXEC_PID=$$ exec "$@"'

/**
 * A run in a cgroup of its own, as a unit's main process: loses its lock once its command has begun, and ends with 6.
 */
async function losesItsLock(options: readonly string[], command: string): Promise<void> {
  const name = uniqueName('cgroup')
  const cgroup = makeCgroup(name) as string
  const consul = new ConsulClient()
  const runner = startLocker([...options, name, 'sh', '-c', command], {
    through: ['/bin/sh', '-c', AS_UNIT, 'sh'],
    env: { CGROUP: cgroup },
  })
  onTestFinished(async () => {
    const members = () => readFileSync(join(cgroup, 'cgroup.procs'), 'utf8')
    await patiently(
      () => members() === '',
      () => `still in the cgroup: ${members()}`,
    )
    rmdirSync(cgroup)
  })
  await runner.prints(/started/)
  await consul.destroySession((await consul.entry(`consul-locker-${name}`))?.Session ?? '')
  expect((await runner.ends()).code).toBe(6)
}

test.skipIf(probe === undefined)('a unit’s main process stops what only the cgroup still knows', async () => {
  await losesItsLock([], 'setsid env -i sleep 300 & echo started; sleep 300')
})

test.skipIf(probe === undefined)(
  'a unit’s main process takes neither its hooks nor its pipes for the command’s',
  async () => {
    const [notes, log] = [join(scratch(), 'notes'), join(scratch(), 'log')]
    const options = ['--kill-after', '0s', '--on-lost', `sleep 1; echo told >${notes}`, '--tee', log]
    await losesItsLock(options, 'echo started; sleep 300')
    expect(readFileSync(notes, 'utf8')).toBe('told\n')
    expect(readFileSync(log, 'utf8')).toContain('started\n')
  },
)
