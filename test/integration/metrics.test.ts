import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { type Ended, patiently, Running, runLocker, startLocker } from '../kit/locker.ts'
import { consul, EXAMPLE, here, startMetrics } from '../kit/metrics-server.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const ROLLOUT = join(import.meta.dirname, '../../examples/rollout/rollout.yaml')

async function promtool(words: readonly string[], input = ''): Promise<Ended> {
  const { path, env } = await program('promtool', 'prometheus')
  const running = new Running(spawn(path, words, { env, cwd: EXAMPLE }))
  running.child.stdin?.end(input)
  return running.ends()
}

/** What is told of one metric, by its labels. */
function samples(text: string, metric: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line.replace(/[{ ].*/, '') === metric)
  return Object.fromEntries(
    lines.map((line) => [line.slice(metric.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  )
}

describe('consul-locker metrics --once', () => {
  test('prints what promtool has nothing to say against: holders, waiters, runs and slots', async () => {
    const [name, slots] = [uniqueName('metrics'), uniqueName('slots')]
    const beganS = Date.now() / 1000
    await runLocker([name, 'true'], here())
    await runLocker([name, 'false'], here())
    startLocker([name, 'sleep', '60'], here())
    await consul.holder(`consul-locker-${name}`)
    const waiter = startLocker([name, 'true'], here())
    await waiter.says(/waiting for/)
    startLocker(['--slots', '3', slots, 'sleep', '60'], here())
    const hasAll = ({ stdout }: Ended) =>
      samples(stdout, 'consul_locker_lock_holders')[`{name="${slots}"}`] === 1 &&
      samples(stdout, 'consul_locker_lock_waited_for_since_timestamp_seconds')[`{name="${name}"}`] !== undefined
    const look = async () => {
      const ended = await runLocker(['metrics', '--once', '--rollout', ROLLOUT], here())
      return ended.code === 0 && !hasAll(ended) ? undefined : ended
    }
    const ended = (await patiently(look, () => 'holder, waiter and slot are not told')) as Ended
    const { code, stdout, stderr } = ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(await promtool(['check', 'metrics'], stdout)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const of = (metric: string, lock = name) => samples(stdout, `consul_locker_lock_${metric}`)[`{name="${lock}"}`]
    expect([of('holders'), of('limit'), of('waiters')]).toEqual([1, 1, 1])
    expect([of('holders', slots), of('limit', slots)]).toEqual([1, 3])
    for (const when of ['last_success', 'last_failure', 'held_since', 'waited_for_since']) {
      const atS = of(`${when}_timestamp_seconds`) ?? 0
      expect(atS, when).toBeGreaterThanOrEqual(Math.floor(beganS))
      expect(atS, when).toBeLessThanOrEqual(Date.now() / 1000)
    }
    expect(samples(stdout, 'consul_locker_rollout_forced')).toEqual({ '': 0 })
  })

  test('tells of a lost lock', async () => {
    const name = uniqueName('lost')
    const runner = startLocker([name, 'sleep', '60'], here())
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect((await runner.ends()).code).toBe(6)
    const { stdout } = await runLocker(['metrics', '--once', `${name}*`], here())
    expect(samples(stdout, 'consul_locker_lock_last_lost_timestamp_seconds')).toEqual({
      [`{name="${name}"}`]: expect.any(Number),
    })
  })

  test.each<[words: string[], code: number, complaint: RegExp]>([
    [['--once', '--secret-file', 'x'], 2, /two wishes/],
    [['--once', '--listen', '127.0.0.1:0'], 2, /two wishes/],
    [['one', 'two'], 2, /one word too many/],
    [['--most', 'all'], 2, /no number from 0/],
    [['--listen', '0.0.0.0:9570'], 2, /so a secret is needed \(give --secret-file, or listen at 127/],
    [['--listen', 'nowhere'], 2, /no address to listen at/],
    [['--secret-file', '/no/such'], 2, /secret file \/no\/such can't be read: no such file/],
    [['--rollout', '/no/such.yaml'], 5, /no\/such\.yaml/],
    [['--once', '--http-addr', '127.0.0.1:1'], 3, /can't be reached/],
  ])('refuses %j', async (words, code, complaint) => {
    const ended = await runLocker(['metrics', ...words], here())
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(complaint) })
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('consul-locker metrics', () => {
  test('answers those alone who know the secret', async () => {
    const file = join(scratch(), 'secret')
    writeFileSync(file, 'open-sesame\n')
    const { scrape } = await startMetrics(['--secret-file', file])
    expect((await scrape()).status).toBe(401)
    expect((await scrape('Bearer wrong')).status).toBe(401)
    const response = await scrape('Bearer open-sesame')
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('\nconsul_locker_up 1\n')
  })

  test('tells of an outage and goes on, until it is told to end', async () => {
    const own = await startConsul({ mode: 'dev' })
    try {
      const { server, text } = await startMetrics([], own.address)
      expect(samples(await text(), 'consul_locker_up')).toEqual({ '': 1 })
      await own.stop()
      await patiently(
        async () => samples(await text(), 'consul_locker_up')[''] === 0,
        () => 'it tells of no outage',
      )
      expect(samples(await text(), 'consul_locker_read_failures_total')['']).toBeGreaterThan(0)
      expect(server.stderr).toContain("Consul can't be read, and scrapes are told so")
      server.kill('SIGTERM')
      expect((await server.ends()).code).toBe(0)
    } finally {
      await own.stop()
    }
  })

  test('says that it can not listen where somebody else does', async () => {
    const { url } = await startMetrics()
    const ended = await runLocker(['metrics', '--listen', new URL(url).host], here())
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/can't listen at .*: address already in use \(/),
    })
  })
})

interface Panel {
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string }[]
}

/** What must hold of alerts and dashboard: they ask for what there is. */
describe('examples/prometheus', () => {
  const dashboard = JSON.parse(readFileSync(join(EXAMPLE, 'dashboard.json'), 'utf8')) as { readonly panels: Panel[] }
  const alerts = readFileSync(join(EXAMPLE, 'alerts.yml'), 'utf8')

  test('has alerts that promtool takes, and that come when they are to and not before', async () => {
    expect(await promtool(['check', 'rules', 'alerts.yml'])).toMatchObject({ code: 0 })
    expect(await promtool(['check', 'config', 'prometheus.yml'])).toMatchObject({ code: 0 })
    const tested = await promtool(['test', 'rules', 'alerts-test.yml'])
    expect(tested, tested.stderr).toMatchObject({ code: 0 })
    const named = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, name]) => name))
    const tests = readFileSync(join(EXAMPLE, 'alerts-test.yml'), 'utf8')
    // Each has a case in which it comes.
    const coming = named(tests, /alertname: (\w+)\n +exp_alerts:/g)
    expect([...named(alerts, /alert: (\w+)/g)].filter((name) => !coming.has(name))).toEqual([])
  })

  test('asks for metrics that there are, in alerts and dashboard, and shows no panel over another', async () => {
    const { stdout } = await runLocker(['metrics', '--once', '--rollout', ROLLOUT], here())
    const served = await (await startMetrics()).text()
    const told = new Set([...`${stdout}${served}`.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
    const exprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    const asked = [...`${alerts} ${exprs.join(' ')}`.matchAll(/\bconsul_locker_\w+/g)].map(([name]) => name)
    expect(asked.length).toBeGreaterThan(20)
    expect(asked.filter((name) => !told.has(name))).toEqual([])
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true)
  })

  test('has a dashboard whose every question Prometheus can read', async () => {
    const exprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    const rules = exprs.map((expr, n) => ({ record: `dashboard_${n}`, expr }))
    const file = join(scratch(), 'dashboard-rules.yml')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const checked = await promtool(['check', 'rules', file])
    expect(checked, checked.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(`${exprs.length} rules`) })
  })
})
