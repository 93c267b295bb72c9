import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import type { Report } from '../../../scripts/bench/bench-report.ts'
import type { Estimate } from '../../../scripts/bench/estimate.ts'
import { MEASURES } from '../../../scripts/bench/measures.ts'
import { Telemetry } from '../../../scripts/bench/telemetry.ts'
import { TOOLS } from '../../../scripts/bench/tool.ts'
import { startConsul } from '../../../scripts/provide/agent.ts'
import { quantile } from '../../../scripts/stage/statistics.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { processesWith } from '../../kit/processes.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

// On a busy machine even a few runs of everything take their time.
vi.setConfig({ testTimeout: 150_000 })

const project = join(import.meta.dirname, '../../..')

const everyMeasure = MEASURES.map(({ name }) => name).join()

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, ended: once(child, 'close').then(([code]) => ({ code, ...said })) }
}

/** Runs the benchmark with its files below `dir`. */
function bench(dir: string, ...args: string[]): Run {
  return start(process.execPath, [join(project, 'scripts/bench/bench.ts'), ...args], { TMPDIR: dir })
}

test('the benchmark › takes every measure of every tool, and writes them as JSON and into the documents', async () => {
  const dir = scratch()
  const [json, document] = [join(dir, 'report.json'), join(dir, 'benchmarks.md')]
  copyFileSync(join(project, 'docs/benchmarks.md'), document)
  const { code, stdout, stderr } = await bench(
    dir,
    '--quick',
    '--only',
    everyMeasure,
    '--json',
    json,
    '--into',
    document,
  ).ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(json) })
  const { rows, machine, serving, history, listing, scale } = JSON.parse(readFileSync(json, 'utf8')) as Report
  expect(rows.map(({ id }) => id)).toEqual([
    ...['uncontended.wall', 'uncontended.cpu', 'uncontended.peak-largest', 'uncontended.peak'],
    ...['first-instruction', 'hand-over.p50', 'hand-over.p99'],
    ...['holder', 'waiter'].flatMap((role) =>
      ['private-dirty', 'alone', 'pss', 'cpu'].map((field) => `${role}.${field}`),
    ),
    ...['total', 'requests', 'raft-writes', 'sent', 'consul'].map((field) => `herd.${field}.2`),
    ...['time', 'cpu', 'longest', 'requests'].map((field) => `contended.2.${field}`),
  ])
  for (const { id, figures, ratio } of rows) {
    for (const tool of TOOLS) {
      const { value, samples } = figures[tool]
      expect({ id, tool, value, samples }).toSatisfy(() => Number.isFinite(value) && samples > 0)
      // A process that does nothing for a second takes no time.
      expect(value, `${id} of ${tool}`)[id.endsWith('er.cpu') ? 'toBeGreaterThanOrEqual' : 'toBeGreaterThan'](0)
    }
    // The table says nothing that so few rounds can't.
    expect({ id, ratio }).toMatchObject({ ratio: { rounds: expect.toSatisfy((count: number) => count <= 2) } })
    expect({ id, ratio }).not.toHaveProperty('ratio.interval')
  }
  const requests = rows.find(({ id }) => id === 'herd.requests.2')?.figures['consul-locker'].value
  expect(requests).toBeLessThanOrEqual(20)
  expect(serving).toMatchObject({ failures: 0, lookupsPerSecond: expect.toSatisfy((count: number) => count > 0) })
  // A session, a claim, a release, and the session's end: no history costs more than that. Consul's own writes fall
  // into the ten runs now and then, two of them at most.
  const traffic = { requests: 4, raftWrites: expect.toSatisfy((count: number) => count >= 4 && count <= 4.2) }
  expect(history).toMatchObject({
    ratio: expect.toSatisfy(({ value }: Estimate) => value > 0),
    traffic: { with: traffic, without: traffic },
  })
  const positive = expect.toSatisfy((count: number) => count > 0)
  expect(listing).toMatchObject({ locks: 100, held: 10, sentMB: positive })
  expect(scale).toMatchObject({
    lines: [{ waiters: 2, requests: positive, raftWrites: positive, sentBytes: positive, ms: positive }],
    holders: { holders: 100, failures: 0, renewalsPerSecond: positive, cores: positive },
  })
  expect(machine).toMatchObject({ cores: expect.any(Number), consul: expect.stringMatching(/^\d+\.\d+/) })
  const [table = ''] = stdout.trim().split('\n\n')
  expect(table.split('\n')).toHaveLength(2 + rows.length)
  expect(table).not.toMatch(/reached|missed/)
  expect(readFileSync(document, 'utf8')).toContain(table)
  await expect.poll(() => processesWith(dir), { timeout: 10_000 }).toEqual([])
})

test.for([
  { signal: 'SIGINT', code: 130 },
  { signal: 'SIGKILL', code: null },
] as const)('the benchmark › leaves no process behind after $signal', async ({ signal, code }) => {
  const dir = scratch()
  const { child, ended } = bench(dir, '--only', 'idle', '--json', join(dir, 'report.json'))
  const commands = () => processesWith('bench-command').filter((pid) => processesWith(dir).includes(pid))
  await expect.poll(() => commands().length, { timeout: 50_000 }).toBeGreaterThanOrEqual(TOOLS.length)
  child.kill(signal)
  expect(await ended).toMatchObject({ code, stdout: '' })
  await expect.poll(() => processesWith(dir), { timeout: 30_000 }).toEqual([])
})

test.for([
  { args: ['--only', 'idle,speed'], says: `There is no measure "speed"; see --help.` },
  { args: ['--into', '/dev/null'], says: 'The file has no place for the table' },
  { args: ['--fast'], says: `Unknown option '--fast'` },
])('the benchmark › refuses $args before it starts anything', async ({ args, says }) => {
  const dir = scratch()
  const { code, stderr } = await bench(dir, ...args).ended
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) })
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('the benchmark › has a --help that names all measures', async () => {
  const { code, stdout } = await bench(scratch(), '--help').ended
  expect(code).toBe(0)
  for (const { name } of MEASURES) expect(stdout).toContain(name)
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('telemetry › counts every request and every raft write, a hundred at once, too', async () => {
  await using cleanUp = new AsyncDisposableStack()
  const telemetry = cleanUp.use(await Telemetry.start())
  const agent = await startConsul({ config: telemetry.settings })
  cleanUp.defer(() => agent.stop())
  const put = (key: number) => fetch(`${agent.address}/v1/kv/${key}`, { method: 'PUT', body: '' })
  const traffic = await telemetry.during(async () => {
    await Promise.all(Array.from({ length: 100 }, (_, key) => put(key)))
    for (let key = 0; key < 11; key++) await fetch(`${agent.address}/v1/kv/${key}`)
  })
  expect(traffic.requests).toBe(111)
  // Consul writes now and then on its own account.
  expect(traffic.raftWrites).toBeOneOf([100, 101, 102])
})

test('statistics › a quantile is a sample, by the nearest rank', () => {
  const samples = Array.from({ length: 200 }, (_, index) => 200 - index)
  expect(quantile(samples, 0.99)).toEqual({ value: 198, samples: 200, least: 1, most: 200 })
  expect([0, 0.5, 1].map((q) => quantile([3, 1, 2], q).value)).toEqual([1, 2, 3])
  expect(() => quantile([], 0.5)).toThrow('no samples')
})

describe('reference.sh', () => {
  const script = join(project, 'scripts/bench/reference.sh')

  test('holds the lock while its command runs, exits with its status, and leaves nothing in Consul', async () => {
    const name = uniqueName('reference')
    const consul = new ConsulClient(inject('consulAddress'))
    const command = ['sh', '-c', `curl -s "$CONSUL_HTTP_ADDR/v1/kv/${name}"; exit 7`]
    const { ended } = start(script, [name, ...command], { CONSUL_HTTP_ADDR: inject('consulAddress') })
    const { code, stdout } = await ended
    const [entry] = JSON.parse(stdout) as { Session: string }[]
    expect({ code, entry }).toMatchObject({ code: 7, entry: { Session: expect.any(String) } })
    expect(await consul.entry(name)).toBeUndefined()
    expect(await consul.sessions(name)).toEqual([])
  })
})
