import { spawn } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { patiently, Running, startLocker } from '../kit/locker.ts'
import { consul, EXAMPLE, here, startMetrics } from '../kit/metrics-server.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

describe('consul-locker metrics', () => {
  test('shows a held lock to Prometheus, which loads our alerts, too', async () => {
    const name = uniqueName('scraped')
    startLocker([name, 'sleep', '60'], here())
    await consul.holder(`consul-locker-${name}`)
    const { url } = await startMetrics()
    const dir = scratch()
    copyFileSync(join(EXAMPLE, 'alerts.yml'), join(dir, 'alerts.yml'))
    const config = readFileSync(join(EXAMPLE, 'prometheus.yml'), 'utf8')
    const ours = config
      .replace('127.0.0.1:9570', new URL(url).host)
      .replace('scrape_interval: 30s', 'scrape_interval: 1s')
    writeFileSync(join(dir, 'prometheus.yml'), ours)
    const { path, env } = await program('prometheus', 'prometheus')
    const { http } = await freePorts()
    const options = [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`]
    const prometheus = new Running(
      spawn(path, [...options, `--web.listen-address=127.0.0.1:${http}`], { env, cwd: dir }),
    )
    const ask = async (what: string) => {
      const response = await fetch(`http://127.0.0.1:${http}/api/v1/${what}`).catch(() => undefined)
      return response?.ok ? ((await response.json()) as { data: unknown }).data : undefined
    }
    const query = async (expr: string) => {
      const data = (await ask(`query?query=${encodeURIComponent(expr)}`)) as { result: unknown[] } | undefined
      return data?.result
    }
    const isScraped = async () => ((await query(`consul_locker_lock_holders{name="${name}"} == 1`)) ?? []).length > 0
    await patiently(isScraped, () => `Prometheus does not show it: ${prometheus.stderr.slice(-2000)}`)
    expect(await query(`time() - consul_locker_lock_held_since_timestamp_seconds{name="${name}"} < 3600`)).toEqual([
      {
        metric: expect.objectContaining({ name, job: 'consul-locker' }),
        value: [expect.any(Number), expect.any(String)],
      },
    ])
    const rules = JSON.stringify(await ask('rules?type=alert'))
    expect(rules).toContain('"name":"ConsulLockerNoSuccess"')
  })
})
