import { spawn } from 'node:child_process'
import { openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, lockerEnvironment, Running, startLocker } from '../kit/locker.ts'
import { type Systemd, startSystemd } from '../kit/systemd.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** As systemd starts the main process of a unit, with that in its environment. */
function startService(systemd: Systemd, words: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const through = ['sh', '-c', 'WATCHDOG_PID=$$ SYSTEMD_EXEC_PID=$$ exec "$@"', 'sh']
  return startLocker(words, { through, env: { ...systemd.environment, ...env } })
}

const SEEN = 'env | grep -c "^NOTIFY_SOCKET=\\|^WATCHDOG_"'

describe('a run that is a unit’s main process', () => {
  test('is ready when the lock is its own, and ends; the command can’t speak for it', async () => {
    const [systemd, name] = [await startSystemd(), uniqueName('service')]
    const service = startService(systemd, [name, 'sh', '-c', `${SEEN}; sleep 60`], { WATCHDOG_USEC: '30000000' })
    await systemd.hears(/READY=1/)
    await service.prints(/^0\n/)
    service.kill('SIGTERM')
    expect(await service.ends()).toMatchObject({ code: 143, stderr: '' })
    expect(systemd.heard).toEqual([`READY=1 STATUS=the lock ${name} is ours, sh runs`, 'STOPPING=1'])
  })

  test('says whom it waits for, and has its start prolonged meanwhile', async () => {
    const [systemd, name] = [await startSystemd(), uniqueName('service')]
    const holder = startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    const service = startService(systemd, [name, 'sleep', '60'])
    await systemd.hears(/STATUS=waiting for service-\w+: held by \S+ \(pid \d+, sleep\)/)
    await systemd.hears(/EXTEND_TIMEOUT_USEC=90000000/)
    expect(systemd.heard.join('\n')).not.toContain('READY=1')
    holder.kill('SIGTERM')
    await systemd.hears(/READY=1/)
    service.kill('SIGTERM')
    await service.ends()
  })

  test('feeds the watchdog by its renewals, and says when that would be too seldom', async () => {
    const [systemd, name] = [await startSystemd(), uniqueName('service')]
    const words = ['--renew', '1s', name, 'sleep', '60']
    const service = startService(systemd, words, { WATCHDOG_USEC: '1500000' })
    await systemd.hears(/WATCHDOG=1[\s\S]*WATCHDOG=1/)
    expect(service.stderr).toMatch(/WatchdogSec is 1.5s, and it hears of us every 1s; make it 3s or more/)
    service.kill('SIGTERM')
    await service.ends()
  })

  test('tells of a lost lock at once', async () => {
    const [systemd, name, consul] = [await startSystemd(), uniqueName('service'), new ConsulClient()]
    const service = startService(systemd, [name, 'sleep', '60'])
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    await systemd.hears(/STOPPING=1 STATUS=the lock service-\w+ is lost: /)
    expect((await service.ends()).code).toBe(6)
  })

  test('is whoever systemd has started: nothing is said by a run inside of a service', async () => {
    const [systemd, name] = [await startSystemd(), uniqueName('service')]
    const env = { ...systemd.environment, SYSTEMD_EXEC_PID: String(process.pid), WATCHDOG_USEC: '30000000' }
    const inner = startLocker([name, 'sh', '-c', SEEN], { env })
    expect(await inner.ends()).toMatchObject({ stdout: '2\n', stderr: '' })
    expect(systemd.heard).toEqual([])
  })
})

describe('under the journal', () => {
  /** Runs with a file in the journal's place; gives what was written there. */
  async function said(name: string, streamOf: (file: string) => string, ...options: string[]): Promise<string[]> {
    const file = join(scratch(), 'journal')
    const journal = openSync(file, 'a')
    const env = lockerEnvironment({ env: { JOURNAL_STREAM: streamOf(file) } })
    const words = [...options, '--no-wait', name, 'true']
    await new Running(spawn(LOCKER, words, { env, stdio: ['ignore', 'pipe', journal] })).ends()
    return readFileSync(file, 'utf8').trimEnd().split('\n')
  }

  const ours = (file: string) => {
    const { dev, ino } = statSync(file, { bigint: true })
    return `${dev}:${ino}`
  }

  test('each line has its priority', async () => {
    const name = uniqueName('journal')
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    expect(await said(name, ours)).toEqual([expect.stringMatching(/^<5>consul-locker: journal-\w+ is busy/)])
    expect(await said(name, ours, '--token', 'x')).toContainEqual(expect.stringMatching(/^<4>consul-locker: warn: /))
    expect(await said('a b', ours)).toEqual([expect.stringMatching(/^<3>consul-locker: error: the lock name "a b"/)])
    expect(await said(name, ours, '--log-format', 'json')).toEqual([expect.stringMatching(/^<5>\{"time":/)])
  })

  test('that reads another stream than ours, nothing changes', async () => {
    expect(await said('a b', () => '1:1')).toEqual([expect.stringMatching(/^consul-locker: error: /)])
    expect(await said('a b', () => 'nonsense')).toEqual([expect.stringMatching(/^consul-locker: error: /)])
  })
})
