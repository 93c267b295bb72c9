import { describe, expect, test } from 'vitest'
import { printable } from '../../src/base/printable.ts'
import { history } from '../kit/histories.ts'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { client, keyOf } from '../kit/shared-consul.ts'
import { Terminal } from '../kit/terminal.ts'
import { uniqueName } from '../kit/unique.ts'

const put = (key: string, value: string) =>
  client.transact({ Verb: 'set', Key: key, Value: Buffer.from(value).toString('base64') })

describe('history', () => {
  test('tells of each run: who, when, how long, how it ended', async () => {
    const name = uniqueName('history')
    await runLocker([name, 'true'])
    await runLocker([name, 'sh', '-c', 'exit 3'])
    await runLocker(['--record-command', name, 'sh', '-c', 'kill -9 $$'])
    const runs = await history(name)
    const common = {
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      host: expect.any(String),
      user: expect.any(String),
      start: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      ranMs: expect.any(Number),
      waitedMs: expect.any(Number),
      fence: expect.any(Number),
    }
    expect(runs).toEqual([
      { ...common, command: 'true', code: 0 },
      { ...common, command: 'sh', code: 3 },
      { ...common, command: 'sh -c kill -9 $$', signal: 'SIGKILL' },
    ])
    expect(runs.map(({ fence }) => Number(fence)).toSorted((a, b) => a - b)).toEqual(runs.map(({ fence }) => fence))
    const { stdout } = await runLocker(['history', name])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(4)
    expect(lines[0]).toMatch(/^STARTED +HOST +WAITED +RAN +END +COMMAND$/)
    expect(lines[2]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\S+ +\d+ms +\d+ms +exit 3 +sh$/)
  })

  test('costs a run neither a request nor a write', async () => {
    const name = uniqueName('history')
    const { stderr } = await runLocker([name, 'true'], { env: { DEBUG: '1' } })
    const requests = [...stderr.matchAll(/debug: \S* ?(PUT|GET) (\/v1\/\S+)/g)].map(
      ([, method, path]) => `${method} ${path}`,
    )
    expect(requests.filter((request) => request.startsWith('PUT /v1/txn'))).toHaveLength(2)
    expect(requests.filter((request) => /^PUT \/v1\/kv|=runs/.test(request))).toEqual([])
  })

  test('of a runner that was killed is written by its guardian', async () => {
    const name = uniqueName('killed')
    const runner = startLocker([name, 'sh', '-c', 'echo begun; sleep 60'])
    await runner.prints(/begun/)
    expect(await history(name)).toMatchObject([{ running: true, command: 'sh' }])
    runner.kill('SIGKILL')
    await patiently(
      async () => !(await client.entry(keyOf(name))),
      () => 'the lock is not given back',
    )
    expect(await history(name)).toEqual([
      expect.objectContaining({ killed: true, ranMs: expect.any(Number), fence: expect.any(Number), command: 'sh' }),
    ])
    expect((await runLocker(['status', name])).stdout).toMatch(/^last failure: .*, runner killed$/m)
  })

  test('of a run whose lock was deleted and taken again is whole', async () => {
    const name = uniqueName('deleted')
    await runLocker([name, 'true'])
    const runner = startLocker([name, 'sh', '-c', 'echo begun; read -r _; exit 3'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await runner.prints(/begun/)
    await client.deleteKey(keyOf(name))
    await runner.says(/took it again/)
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 3 })
    expect(await history(name)).toMatchObject([{ code: 0 }, { code: 3 }])
  })

  test('has the last twenty, and 8 kB at most', async () => {
    const name = uniqueName('many')
    const run = {
      host: 'h'.repeat(64),
      user: 'u'.repeat(32),
      command: 'c'.repeat(80),
      start: '2026-11-28T23:00:00.000Z',
    }
    const runs = Array.from({ length: 20 }, (_, n) => ({ ...run, runId: `run-${n}`, code: 1 }))
    await put(`${keyOf(name)}=runs`, JSON.stringify({ runs, success: { ...run, runId: 'old', code: 0 } }))
    await runLocker([name, 'false'])
    const after = await history(name)
    expect(after).toHaveLength(20)
    expect(after[0]).toMatchObject({ runId: 'run-1' })
    expect((await client.value(`${keyOf(name)}=runs`)).length).toBeLessThanOrEqual(8192)
    expect((await runLocker(['status', name, '--json'])).stdout).toContain('"lastSuccess":{"runId":"old"')
  })

  test('that is somebody’s data is left alone, and costs the run nothing', async () => {
    const name = uniqueName('foreign')
    await put(`${keyOf(name)}=runs`, 'my notes')
    expect(await runLocker([name, 'true'])).toMatchObject({ code: 0, stderr: '' })
    expect(await client.value(`${keyOf(name)}=runs`)).toBe('my notes')
    const refused = { code: 1, stderr: expect.stringContaining('is no record of runs') }
    expect(await runLocker(['history', name])).toMatchObject({ ...refused, stdout: '' })
    expect(await runLocker(['status', name])).toMatchObject({ ...refused, stdout: 'free\n' })
    const { code, stdout } = await runLocker(['status', name, '--json'])
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 1, held: false, waiters: 0 })
    expect(JSON.parse(stdout)).not.toHaveProperty('runs')
  })

  test('prints nothing that a terminal obeys', async () => {
    const name = uniqueName('hostile')
    const bad = { runId: 'x', host: `\u001b[31m${'h'.repeat(90)}`, user: 'u', command: `\u009b2J${'c'.repeat(200)}` }
    await put(
      `${keyOf(name)}=runs`,
      JSON.stringify({ runs: [{ ...bad, start: '2026-11-28T23:00:00Z', signal: '\u001b]0;x' }] }),
    )
    for (const words of [
      ['history', name],
      ['history', name, '--json'],
      ['status', name],
      ['status', name, '--max-age', '1h'],
    ]) {
      const { stdout, stderr } = await runLocker(words)
      for (const line of `${stdout}${stderr}`.split('\n')) expect(printable(line)).toBe(line)
    }
  })

  test('of a lock that nobody ever ran under is empty', async () => {
    const name = uniqueName('never')
    expect(await runLocker(['history', name])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('no run'),
    })
    expect(await history(name)).toEqual([])
    expect((await runLocker(['history'])).code).toBe(2)
    expect((await runLocker(['history', name, 'more'])).code).toBe(2)
  })
})

describe('history of several holders', () => {
  test.each([[['--slots', '3']], [['--shared']]])(
    'with %j has every run, also when they end at once, and a killed one',
    async (options) => {
      const name = uniqueName('several')
      const ends = await Promise.all(
        Array.from({ length: 6 }, (_, code) => runLocker([...options, name, 'sh', '-c', `exit ${code}`])),
      )
      expect(ends.map(({ code }) => code)).toEqual([0, 1, 2, 3, 4, 5])
      const killed = startLocker([...options, name, 'sh', '-c', 'echo begun; sleep 60'])
      await killed.prints(/begun/)
      killed.kill('SIGKILL')
      const runs = async () => {
        const { stdout } = await runLocker(['history', name, '--json'])
        return JSON.parse(stdout || '[]') as { code?: number; killed?: boolean; running?: boolean }[]
      }
      await patiently(
        async () => (await runs()).length === 7,
        () => 'not all runs are recorded',
      )
      const codes = (await runs()).slice(0, 6).map(({ code }) => code)
      expect(codes.sort()).toEqual([0, 1, 2, 3, 4, 5])
      expect((await runs()).at(-1)).toMatchObject({ killed: true })
    },
  )
})

describe('status', () => {
  test('tells who holds a lock, who waits for it, and how its runs went', async () => {
    const name = uniqueName('status')
    const free = await runLocker(['status', name])
    expect(free).toMatchObject({
      code: 0,
      stdout: 'free\nlast success: none is recorded\nlast failure: none is recorded\n',
    })
    await runLocker([name, 'true'])
    await runLocker([name, 'false'])
    const holder = startLocker([name, 'sh', '-c', 'echo begun; sleep 60'])
    await holder.prints(/begun/)
    const waiter = startLocker([name, 'true'])
    await waiter.says(/waiting for/)
    const waits = async () => (await runLocker(['status', name])).stdout.includes('1 waits for it')
    await patiently(waits, () => 'nobody is seen to wait')
    const { stdout } = await runLocker(['status', name])
    expect(stdout).toMatch(
      /^held by \S+ \(pid \d+, sh\) for \S+\n {2}session \S{36}, fence \d+\n1 waits for it\n {2}\S+ for \S+ \(\S+ true\)\n/,
    )
    expect(stdout).toMatch(/^last success: started .* on \S+, took \d+ms$/m)
    expect(stdout).toMatch(/^last failure: started .* on \S+, took \d+ms, exit 1$/m)
    const timeline = stdout.split('\n\n')[1]?.trimEnd().split('\n') ?? []
    expect(timeline).toEqual([
      expect.stringMatching(/^STARTED \(UTC\) +HOST +RAN +END +o ok, F failed/),
      expect.stringMatching(/^20\d\d-.* ok +o=*$/),
      expect.stringMatching(/^20\d\d-.* exit 1 +F=*$/),
      expect.stringMatching(/^20\d\d-.* runs +r(?:=*>)?$/),
    ])
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    const json = JSON.parse((await runLocker(['status', name, '--json'])).stdout)
    expect(json).toMatchObject({
      name,
      key: keyOf(name),
      held: true,
      holder: { command: ['sh'], session: expect.any(String), fence: expect.any(Number) },
      waiters: 1,
      line: [{ host: expect.any(String), command: ['true'], since: expect.any(String), session: expect.any(String) }],
      lastSuccess: { code: 0 },
      lastFailure: { code: 1 },
      runs: [{ code: 0 }, { code: 1 }, { command: 'sh', running: true }],
    })
    holder.kill('SIGTERM')
    await holder.ends()
    await waiter.ends()
  })

  test('has coloured bars on a terminal, unless its user wants none', async () => {
    const name = uniqueName('colours')
    await runLocker([name, 'false'])
    const terminal = await Terminal.open()
    const red = /\[31mF=/
    await terminal.run(`$L status ${name}`)
    expect(await terminal.colours()).toMatch(red)
    for (const line of [`NO_COLOR=1 $L status ${name}`, `$L status ${name} | cat`]) {
      await terminal.run(`clear; ${line}`)
      expect(await terminal.screen()).toMatch(/exit 1 {2}F=/)
      expect(await terminal.colours()).not.toMatch(red)
    }
  })

  test.each<[string, string[], string, object]>([
    ['slots', ['--slots', '3'], '2 of 3 slots taken', { slots: 3 }],
    ['readers', ['--shared'], '2 readers', {}],
  ])('tells who they are where several hold a name: %s', async (_, options, line, more) => {
    const name = uniqueName('several')
    const holders = [0, 1].map(() => startLocker([...options, name, 'sh', '-c', 'echo begun; sleep 60']))
    for (const holder of holders) await holder.prints(/begun/)
    const { stdout } = await runLocker(['status', name])
    expect(stdout).toMatch(new RegExp(`^${line}\n(?:held by \\S+ \\(pid \\d+, sh\\) for \\S+\n){2}last success`))
    const holder = { command: ['sh'], session: expect.any(String), fence: expect.any(Number) }
    const json = JSON.parse((await runLocker(['status', name, '--json'])).stdout)
    expect(json).toMatchObject({ ...more, held: true, holders: [holder, holder], closed: 0 })
    for (const holder of holders) holder.kill('SIGTERM')
    for (const holder of holders) await holder.ends()
    expect((await runLocker(['status', name])).stdout).toMatch(/^free\n/)
  })

  test('tells of a pause', async () => {
    const name = uniqueName('paused')
    await runLocker(['pause', name, '--for', '1h', '--reason', 'the database moves'])
    expect((await runLocker(['status', name])).stdout).toMatch(
      /^free\npaused until \S+ \((?:1h|59m\d+s) more\) by \S+: the database moves\n/,
    )
    const json = JSON.parse((await runLocker(['status', name, '--json'])).stdout)
    expect(json).toMatchObject({ held: false, paused: [{ all: false, reason: 'the database moves' }] })
    const ownKey = { env: { CONSUL_LOCKER_KEY: keyOf(name) } }
    expect((await runLocker(['status', 'other'], ownKey)).stdout).toContain('the database moves')
    await put(`${keyOf(name)}=pause`, 'garbage')
    expect((await runLocker(['status', name])).stdout).toMatch(/^free\npaused until somebody ends that/)
    await runLocker(['resume', name])
    expect((await runLocker(['status', name])).stdout).not.toContain('paused')
  })

  test('tells of a holder that never gave the lock back', async () => {
    const name = uniqueName('status')
    const runner = startLocker(['--no-guardian', name, 'sh', '-c', 'echo begun; sleep 0.5'])
    await runner.prints(/begun/)
    runner.kill('SIGKILL')
    await runner.ends()
    await client.destroySession(await client.holder(keyOf(name)))
    const { stdout } = await runLocker(['status', name])
    expect(stdout).toMatch(/^closed for 24s at most: its last holder, on \S+, was cut off\n/)
    expect(JSON.parse((await runLocker(['status', name, '--json'])).stdout)).toMatchObject({ held: false, closed: 1 })
    expect(stdout).toMatch(/^last failure: .*, lock lost$/m)
  })

  test.each<[string, string[], number, RegExp]>([
    [
      'a success that is young enough',
      ['true'],
      0,
      /^OK: \S+ succeeded .* on \S+, took \d+ms \| age=\d+s;;3600;0 took=\d+s;;;0\n$/,
    ],
    ['no success', ['false'], 2, /^CRITICAL: \S+ has never succeeded; \S+ failed .* \(exit 1\)\n$/],
  ])('with --max-age is a check of Nagios: %s', async (_, command, code, line) => {
    const name = uniqueName('nagios')
    await runLocker([name, ...command])
    const checked = await runLocker(['status', name, '--max-age', '1h'])
    expect(checked).toMatchObject({ code, stderr: '', stdout: expect.stringMatching(line) })
  })

  test('with --max-age is critical when the last success is too old', async () => {
    const name = uniqueName('nagios')
    const start = new Date(Date.now() - 7_200_000).toISOString()
    const run = { runId: 'x', host: 'web3', user: 'root', command: './backup', start, ranMs: 60_000, code: 0 }
    await put(`${keyOf(name)}=runs`, JSON.stringify({ runs: [run] }))
    const line = /^CRITICAL: \S+ succeeded 1h59m ago on web3, took 1m \| age=71\d\ds;;3600;0 took=60s;;;0\n$/
    expect(await runLocker(['status', name, '--max-age', '1h'])).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(line),
    })
    expect(await runLocker(['status', name, '--max-age', '2h'])).toMatchObject({ code: 0 })
  })

  test('with --max-age is unknown when nothing can be known', async () => {
    const name = uniqueName('nagios')
    await put(`${keyOf(name)}=runs`, 'my notes')
    const unknown = { code: 3, stderr: '', stdout: expect.stringMatching(/^UNKNOWN: .*\n$/) }
    expect(await runLocker(['status', name, '--max-age', '1h'])).toMatchObject(unknown)
    const nobody = { address: 'http://127.0.0.1:1' }
    expect(await runLocker(['status', name, '--max-age', '1h'], nobody)).toMatchObject(unknown)
  })
})

test('inside a run, history shows the run itself', async () => {
  const name = uniqueName('inside')
  const { stdout } = await runLocker([name, LOCKER, 'history', name])
  expect(stdout).toMatch(/ runs +\S+\n$/)
})
