import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { becomes, hosts, watch } from '../kit/monitored.ts'
import { startSystemd } from '../kit/systemd.ts'
import { startTarget } from '../kit/target.ts'
import { uniqueName } from '../kit/unique.ts'

async function registered(label: string): Promise<unknown[]> {
  return (await new ConsulClient().request('GET', `/health/service/${label}`)).json() as Promise<unknown[]>
}

describe('a monitor, as the original tests it', () => {
  test('10: adds a service that is healthy', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const monitor = watch(label, ['--monitor-url', target.url])
    await becomes(label, 'up')
    await monitor.says(new RegExp(`^consul-locker: ${label}: web-1 is up$`, 'm'))
    expect(await hosts(label)).toBe('127.0.0.1\n')
  })

  test('11: adds none that is not, and says why', async () => {
    const label = uniqueName('web')
    const target = await startTarget(503)
    const monitor = watch(label, ['--monitor-url', `${target.url}/health`])
    await monitor.says(new RegExp(`${label}: web-1 is not up yet: ${target.url}/health: it answers 503`))
    await patiently(
      () => target.asked.length >= 3,
      () => 'it was not asked again',
    )
    expect(await registered(label)).toEqual([])
    target.status = 204
    await becomes(label, 'up')
  })

  test('12: takes out a service that fails, and puts it in again when it is well', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const monitor = watch(label, ['--monitor-url', target.url])
    await becomes(label, 'up')
    target.status = 500
    await becomes(label, 'out')
    await monitor.says(/web-1 is not up and was taken out: .*: it answers 500/)
    await expect.poll(() => registered(label)).toEqual([])
    target.status = 200
    await becomes(label, 'up')
  })

  test('13: that is killed -9 takes its service with it', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const monitor = watch(label, ['--monitor-url', target.url, '--timeout', '1s'])
    await becomes(label, 'up')
    monitor.kill('SIGKILL')
    await becomes(label, 'out')
    expect(await registered(label)).toMatchObject([{ Service: { ID: `${label}:web-1` } }])
    // The next one goes on where it ended.
    watch(label, ['--monitor-url', target.url, '--timeout', '1s'])
    await becomes(label, 'up')
    expect(await registered(label)).toHaveLength(1)
  })

  test('14: registers address, host and label, and what it is told of the service', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const info = '{"http_port": 9200, "transport_port": 9300, "name": "es 1", "master": true}'
    watch(label, ['--monitor-url', target.url, '--service-info', info, '--address', '10.1.2.3'])
    await becomes(label, 'up')
    const { stdout } = await runLocker(['hosts', '--label', label, '--json'])
    expect(JSON.parse(stdout)).toEqual([
      {
        address: '10.1.2.3',
        port: 9200,
        node: 'dev',
        id: `${label}:web-1`,
        tags: [],
        meta: {
          host: expect.any(String),
          label,
          service_id: 'web-1',
          http_port: '9200',
          transport_port: '9300',
          name: 'es 1',
          master: 'true',
        },
      },
    ])
  })
})

describe('a monitor', () => {
  test.each([['SIGTERM'], ['SIGINT'], ['SIGHUP']] as const)(
    'that %s ends takes its service out, and exits with 0',
    async (signal) => {
      const label = uniqueName('web')
      const target = await startTarget()
      const monitor = watch(label, ['--monitor-url', target.url])
      await becomes(label, 'up')
      monitor.kill(signal)
      expect(await monitor.ends()).toMatchObject({ code: 0, stdout: '' })
      expect(await registered(label)).toEqual([])
    },
  )

  test('takes a service for dead that accepts connections and never answers', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const monitor = watch(label, ['--monitor-url', target.url, '--timeout', '0.2s'])
    await becomes(label, 'up')
    target.status = 0
    await monitor.says(/was taken out: .*: no answer within 200ms/)
    expect(await registered(label)).toEqual([])
  })

  test('follows no redirect', async () => {
    const label = uniqueName('web')
    const target = await startTarget(302)
    const monitor = watch(label, ['--monitor-url', target.url])
    await monitor.says(/not up yet: .*: it answers 302, and redirects are not followed/)
    expect(target.asked).not.toContain('/elsewhere')
  })

  test('is told of nothing that listens', async () => {
    const label = uniqueName('web')
    const { http } = await freePorts()
    const monitor = watch(label, ['--monitor-url', `http://127.0.0.1:${http}`])
    await monitor.says(/not up yet: .*: connection refused/)
  })

  test('does not show a password that stands in the URL', async () => {
    const target = await startTarget()
    const monitor = watch(uniqueName('web'), ['--monitor-url', `http://me:hidden@${target.address}/x`])
    await monitor.says(/is up/)
    expect(monitor.stderr).toContain(`watching http://${target.address}/x for`)
    expect(monitor.stderr).not.toContain('hidden')
  })

  test('can look at a port', async () => {
    const label = uniqueName('db')
    const { http: port } = await freePorts()
    const monitor = watch(label, ['--monitor-tcp', `127.0.0.1:${port}`])
    await monitor.says(/not up yet: 127.0.0.1:\d+: connection refused/)
    const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    await becomes(label, 'up')
  })

  test('can ask a command, and tells what that said', async () => {
    const label = uniqueName('db')
    const { url, ...target } = await startTarget(500)
    const command = `code=$(cat $STATE 2>/dev/null); echo "state: $code"; test "$code" = good`
    const state = `/proc/self/nothing-${target.address}`
    const monitor = watch(label, ['--monitor-command', command], { env: { STATE: state } })
    await monitor.says(/not up yet: code=.*: it ended with 1: state:/)
    const well = watch(label, ['--monitor-command', 'exit 0'])
    await well.says(/is up/)
    const slow = watch(label, ['--monitor-command', 'sleep 600', '--timeout', '0.3s'])
    await slow.says(/not up yet: sleep 600: no end within 300ms/)
    expect(url).toContain('http')
  })

  test('tells systemd that it is ready when its service is, how that is, and that it ends', async () => {
    const label = uniqueName('web')
    const target = await startTarget(503)
    const systemd = await startSystemd()
    const monitor = watch(label, ['--monitor-url', target.url], { env: systemd.environment })
    await systemd.hears(/STATUS=.*web-1 is not up yet/)
    expect(systemd.heard.join()).not.toContain('READY')
    target.status = 200
    await systemd.hears(new RegExp(`READY=1 STATUS=${label}: web-1 is up`))
    monitor.kill('SIGTERM')
    expect((await monitor.ends()).code).toBe(0)
    await systemd.hears(/STOPPING=1/)
  })

  const url = ['--monitor-url', 'http://127.0.0.1:1']
  test.each([
    [['--label', 'a/b', ...url], '--label "a/b" can\'t be the name of a service'],
    [['--label', 'a b', ...url], '--label "a b" can\'t be the name of a service'],
    [url, 'no service was named (give --label)'],
    [['--label', 'a'], 'what tells whether the service is healthy?'],
    [['--label', 'a', ...url, '--monitor-tcp', 'a:1'], 'two things were given to tell the health by'],
    [['--label', 'a', '--monitor-url', 'localhost:9200'], '--monitor-url "localhost:9200" is not the address of a web'],
    [['--label', 'a', '--monitor-url', 'http://'], '--monitor-url "http://" is not the address of a web server'],
    [['--label', 'a', '--monitor-tcp', 'a'], '--monitor-tcp "a" is not an address'],
    [['--label', 'a', '--monitor-tcp', 'a:99999'], '--monitor-tcp "a:99999" is not an address'],
    [['--label', 'a', ...url, '--service-info', '{port: 1}'], '--service-info is not JSON'],
    [['--label', 'a', ...url, '--service-info', '[]'], '--service-info is not a JSON object'],
    [['--label', 'a', ...url, '--service-info', '{"port": 0}'], '--service-info has the port "0"'],
    [['--label', 'a', ...url, '--service-info', '{"a": {}}'], '--service-info has a value at "a" that is no text'],
    [
      ['--label', 'a', ...url, '--service-info', JSON.stringify({ big: 'x'.repeat(120_000) })],
      '--service-info has 120000 bytes at "big" (Consul keeps 512 for each key)',
    ],
    [['--label', 'a', ...url, '--address', 'a b'], '--address "a b" is no address'],
    [['--label', 'a', ...url, '--interval', '1ms'], '--interval must be 100ms or more'],
    [['--label', 'a', ...url, 'stray'], '"stray" is one word too many'],
  ])('is asked for wrongly: %#', async (args, sentence) => {
    const ended = await runLocker(['monitor', ...args])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`consul-locker: error: ${sentence}`)
    expect(ended.stderr.split('\n')).toHaveLength(2)
  })
})
