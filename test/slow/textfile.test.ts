import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { asOrdinaryUser } from '../../scripts/provide/ordinary-user.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, patiently, Running, runLocker, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const PREFIX = 'consul_locker_run_last_'

/** The file's values by the names of its metrics, all of which have this lock's label. */
function valuesIn(file: string, name: string): Record<string, number> {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const samples = lines.filter((line) => !line.startsWith('#'))
  return Object.fromEntries(
    samples.map((line) => {
      const [, metric = '', label, value] = /^consul_locker_run_last_(\w+)\{name="(.*)"\} (\S+)$/.exec(line) ?? []
      expect(label).toBe(name)
      return [metric, Number(value)]
    }),
  )
}

function fresh(): { file: string; name: string; run(...command: string[]): ReturnType<typeof runLocker> } {
  const [file, name] = [join(scratch(), 'job.prom'), uniqueName('metrics')]
  return { file, name, run: (...command) => runLocker(['--textfile', file, name, ...command]) }
}

const nowS = () => Date.now() / 1000

describe('--textfile', () => {
  test('writes a file that promtool has nothing to say against, and that everybody may read', async () => {
    const { file, name } = fresh()
    const through = ['sh', '-c', 'umask 077; exec "$@"', 'sh']
    const beganAt = nowS()
    expect(await runLocker(['--textfile', file, name, 'true'], { through })).toMatchObject({ code: 0, stderr: '' })
    expect(statSync(file).mode & 0o777).toBe(0o644)
    const promtool = await program('promtool', 'prometheus')
    const checker = new Running(spawn(promtool.path, ['check', 'metrics'], { env: promtool.env }))
    checker.child.stdin?.end(readFileSync(file))
    expect(await checker.ends()).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const values = valuesIn(file, name)
    expect(values).toEqual({
      end_timestamp_seconds: expect.toSatisfy((at: number) => at >= beganAt && at <= nowS()),
      success_timestamp_seconds: values.end_timestamp_seconds,
      exit_code: 0,
      lost: 0,
      wait_seconds: expect.toSatisfy((s: number) => s >= 0),
      duration_seconds: expect.toSatisfy((s: number) => s >= 0),
    })
  })

  test('is what node_exporter shows, as another user', async () => {
    const { file, name, run } = fresh()
    await run('sh', '-c', 'exit 3')
    const dir = join(file, '..')
    chmodSync(dir, 0o755)
    const exporter = await program('prometheus-node-exporter', 'prometheus-node-exporter')
    const { words } = await asOrdinaryUser()
    const { http } = await freePorts()
    const options = ['--collector.disable-defaults', '--collector.textfile', `--collector.textfile.directory=${dir}`]
    const [first = '', ...rest] = [...words, exporter.path, ...options, `--web.listen-address=127.0.0.1:${http}`]
    new Running(spawn(first, rest, { env: exporter.env, cwd: '/' }))
    const ask = async () => (await fetch(`http://127.0.0.1:${http}/metrics`).catch(() => undefined))?.text()
    const text = (await patiently(ask, () => 'node_exporter doesn’t answer')) as string
    expect(text).toContain(`\n${PREFIX}exit_code{name="${name}"} 3\n`)
    expect(text).toContain('\nnode_textfile_scrape_error 0\n')
  })

  test('keeps the last success when a run fails, and forgets it never', async () => {
    const { file, name, run } = fresh()
    expect((await run('false')).code).toBe(1)
    expect(valuesIn(file, name)).not.toHaveProperty('success_timestamp_seconds')
    await run('true')
    const { success_timestamp_seconds: success } = valuesIn(file, name)
    expect((await run('sh', '-c', 'kill -KILL $$')).code).toBe(137)
    const after = valuesIn(file, name)
    expect(after).toMatchObject({ exit_code: 137, success_timestamp_seconds: success })
    expect(after.end_timestamp_seconds).toBeGreaterThan(success ?? 0)
  })

  test('tells of a lost lock, and of a wait', async () => {
    const { file, name } = fresh()
    const consul = new ConsulClient()
    const holder = startLocker([name, 'sleep', '60'])
    await consul.holder(`consul-locker-${name}`)
    const runner = startLocker(['--textfile', file, name, 'sleep', '60'])
    await runner.says(/waiting for/)
    const waitedFrom = performance.now()
    holder.kill('SIGTERM')
    await holder.ends()
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect((await runner.ends()).code).toBe(6)
    const values = valuesIn(file, name)
    expect(values).toMatchObject({ exit_code: 6, lost: 1 })
    expect(values.wait_seconds).toBeGreaterThan(0)
    expect(values.wait_seconds).toBeLessThan((performance.now() - waitedFrom) / 1000 + 60)
  })

  test('leaves the file alone when it was another machine’s turn, and tells of Consul that is away', async () => {
    const { file, name, run } = fresh()
    await run('true')
    const before = readFileSync(file, 'utf8')
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    expect((await runLocker(['-n', '--textfile', file, name, 'true'])).code).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe(before)
    const away = await runLocker(['-n', '--textfile', file, name, 'true'], { address: '127.0.0.1:1' })
    expect(away.code).toBe(3)
    expect(valuesIn(file, name)).toMatchObject({ exit_code: 3, lost: 0 })
    expect(valuesIn(file, name)).toHaveProperty('success_timestamp_seconds')
    expect(valuesIn(file, name)).not.toHaveProperty('duration_seconds')
  })

  test('takes no time of a success from what somebody else has written', async () => {
    const { file, name, run } = fresh()
    await run('true')
    for (const time of ['soon', '-5', 'NaN', '+Inf', '']) {
      const text = readFileSync(file, 'utf8')
      writeFileSync(file, text.replace(/(success_timestamp_seconds\{.*\}) .*/, `$1 ${time}`))
      expect((await run('false')).code).toBe(1)
      expect(valuesIn(file, name)).not.toHaveProperty('success_timestamp_seconds')
      await run('true')
    }
  })

  test('is for this run, and not for one inside of it, when the environment gives it', async () => {
    const { file, name } = fresh()
    const inner = `${LOCKER} ${uniqueName('inner')} true; exit 4`
    const ended = await runLocker([name, 'sh', '-c', inner], { env: { CONSUL_LOCKER_TEXTFILE: file } })
    expect(ended).toMatchObject({ code: 4, stderr: '' })
    expect(valuesIn(file, name)).toMatchObject({ exit_code: 4 })
  })

  test.each<[what: string, file: (dir: string) => string, complaint: RegExp]>([
    ['an ending that node_exporter doesn’t read', (dir) => `${dir}/job.txt`, /doesn't end in \.prom \(/],
    ['a folder that isn’t there', (dir) => `${dir}/none/job.prom`, /can't be written: no such file or directory \(/],
    [
      'a folder',
      (dir) => {
        mkdirSync(`${dir}/job.prom`)
        return `${dir}/job.prom`
      },
      /can't be written: .*is a directory/,
    ],
    [
      'a file that is none of ours',
      (dir) => {
        writeFileSync(`${dir}/job.prom`, 'somebody_elses 1\n')
        return `${dir}/job.prom`
      },
      /is no file of ours \(/,
    ],
    [
      'a file that is too large',
      (dir) => {
        writeFileSync(`${dir}/job.prom`, 'x'.repeat(100_000))
        return `${dir}/job.prom`
      },
      /is no file of ours \(/,
    ],
  ])('refuses %s before anything begins', async (_, make, complaint) => {
    const dir = scratch()
    const ended = await runLocker(['--textfile', make(dir), uniqueName('metrics'), 'touch', `${dir}/ran`])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(complaint)
    expect(existsSync(`${dir}/ran`)).toBe(false)
  })

  test('refuses the file of another lock', async () => {
    const { file, run } = fresh()
    await run('true')
    const other = await runLocker(['--textfile', file, uniqueName('metrics'), 'true'])
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('has the metrics of another lock (give') })
  })
})
