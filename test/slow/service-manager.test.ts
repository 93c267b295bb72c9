import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { mayHaveManager, ServiceManager } from '../kit/service-manager.ts'
import { uniqueName } from '../kit/unique.ts'

/**
 * Has `unit` write the units of a run, and gives the service's name. `change` is what an operator's drop-in would say.
 */
async function install(manager: ServiceManager, words: readonly string[], change = ''): Promise<string> {
  const options = ['--directory', manager.units, '--http-addr', inject('consulAddress')]
  const { code, stdout } = await runLocker(['unit', ...options, ...words])
  expect(code).toBe(0)
  const [file = ''] = stdout.trim().split(' ')
  if (change !== '') writeFileSync(file, `${readFileSync(file, 'utf8')}\n[Service]\n${change}\n`)
  await manager.systemctl('daemon-reload')
  return file.slice(manager.units.length + 1)
}

/** The clock of systemd's timestamps. */
const monotonicUs = () => Number(process.hrtime.bigint() / 1000n)

describe.runIf(mayHaveManager)('by a real systemd', () => {
  test('a job gets its words as they are, and a busy lock is no failure', async () => {
    const [manager, name] = [await ServiceManager.start(), uniqueName('job')]
    const words = ['two words', '50% $HOME', String.raw`\a "b" 'c'`, 'line\nbreak', ';', '']
    const note = join(manager.units, 'words')
    const command = ['sh', '-c', `printf '%s\\0' "$@" >'${note}'; exit 3`, 'sh', ...words]
    const unit = await install(manager, ['--on-calendar', 'hourly', '-n', '-E', '75', name, ...command])
    expect((await manager.systemctl('start', unit)).code).toBe(1)
    expect(await manager.show(unit, 'ExecMainStatus')).toBe('3')
    chmodSync(note, 0o666)
    expect(readFileSync(note, 'utf8').split('\0').slice(0, -1)).toEqual(words)
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    writeFileSync(note, 'not run again')
    expect((await manager.systemctl('start', unit)).code).toBe(0)
    expect(readFileSync(note, 'utf8')).toBe('not run again')
  })

  test('a waiter outlives the time that a start may take, and says whom it waits for', async () => {
    const [manager, name] = [await ServiceManager.start(), uniqueName('service')]
    const holder = startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    const unit = await install(manager, [name, 'sleep', '60'], 'TimeoutStartSec=8')
    await manager.systemctl('start', '--no-block', unit)
    await manager.shows(unit, 'StatusText', /waiting for service-\w+: held by/)
    const beganAt = Number(await manager.show(unit, 'InactiveExitTimestampMonotonic'))
    const isOver = () => monotonicUs() > beganAt + 8_000_000
    await patiently(isOver, () => 'the time of the start is not over')
    expect(await manager.show(unit, 'SubState')).toBe('start')
    holder.kill('SIGTERM')
    await manager.shows(unit, 'ActiveState', /^active/)
    expect(await manager.show(unit, 'StatusText')).toMatch(/is ours/)
    expect((await manager.systemctl('stop', unit)).code).toBe(0)
    expect(await manager.show(unit, 'Result')).toBe('success')
    expect(await new ConsulClient().entry(`consul-locker-${name}`)).toBeUndefined()
  })

  test('a runner that hangs is replaced', async () => {
    const [manager, name] = [await ServiceManager.start(), uniqueName('service')]
    const unit = await install(manager, ['--renew', '1s', name, 'sleep', '600'], 'WatchdogSec=10\nTimeoutAbortSec=1')
    expect((await manager.systemctl('start', unit)).code).toBe(0)
    const first = await manager.show(unit, 'MainPID')
    await manager.kill(unit, 'SIGSTOP')
    await manager.shows(unit, 'NRestarts', /^[1-9]/)
    await manager.shows(unit, 'ActiveState', /^active/)
    expect(await manager.show(unit, 'MainPID')).not.toBe(first)
    expect((await manager.systemctl('stop', unit)).code).toBe(0)
  })

  test('a runner that is killed leaves no command behind', async () => {
    const [manager, name] = [await ServiceManager.start(), uniqueName('service')]
    const unit = await install(manager, [name, 'sleep', '600'], 'Restart=no')
    expect((await manager.systemctl('start', unit)).code).toBe(0)
    await manager.kill(unit, 'SIGKILL')
    await manager.shows(unit, 'ActiveState', /^failed/)
    expect(await manager.show(unit, 'ControlGroup')).toBe('')
  })
})
