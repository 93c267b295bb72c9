import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { asCron, block } from '../kit/documents.ts'
import { FreshMachine, mayHaveMachines } from '../kit/fresh-machine.ts'
import { LOCKER, patiently } from '../kit/locker.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const CRON = 'docs/cron.md'
const DEPLOY = 'docs/deploy.md'
const done = { code: 0, stdout: '', stderr: '' }

/** A crontab's block, line by line, as cron runs them in a file that begins as the recipes say. */
const cronLines = (file: string, words: string) =>
  block(file, words)
    .trim()
    .split('\n')
    .map((line) => asCron(line, block(CRON, 'PATH=/usr').trim()))

describe.runIf(mayHaveMachines)('recipes', () => {
  let machine: FreshMachine

  beforeAll(async () => {
    machine = await FreshMachine.start()
    await machine.write('/usr/local/bin/consul-locker', `#!/bin/sh\nexec '${LOCKER}' "$@"\n`)
  })

  afterAll(() => machine?.stop())

  /** Puts a job there that leaves a line in /var/NAME for each run, and then does this. */
  const job = (name: string, then = '') =>
    machine.write(`/usr/local/bin/${name}`, `#!/bin/sh\necho ran >>/var/${name}.runs\n${then}\n`)
  const runsOf = async (name: string) => {
    const { stdout } = await machine.does(`cat /var/${name}.runs 2>/dev/null || :`)
    return stdout.split('\n').length - 1
  }
  /** Serves HTTP with this status; settles with what ends that. */
  const serve = async (port: number, status = 200): Promise<() => Promise<void>> => {
    const answer = `(_, r) => r.writeHead(${status}).end()`
    const server = `require('http').createServer(${answer}).listen(${port}, () => console.error('up', process.pid))`
    const serving = machine.run(`exec ${process.execPath} -e "${server}"`)
    const [, pid] = await serving.says(/up (\d+)/)
    return async () => {
      await machine.does(`kill ${pid}`)
      await serving.ends()
    }
  }

  test('an hourly report: five machines make it once, a failure is mailed and made good', async () => {
    const [line = ''] = cronLines(CRON, ' report /usr/local/bin/report')
    await job('report', 'echo "the disk is on fire" >&2; exit 3')
    expect(await machine.does(line)).toMatchObject({ code: 3, stderr: expect.stringContaining('the disk is on fire') })
    await job('report', 'sleep 1')
    const ends = await Promise.all(Array.from({ length: 5 }, () => machine.does(line)))
    expect(ends).toMatchObject(ends.map(() => done))
    expect(await machine.does(line)).toMatchObject(done)
    // Unless it has just struck the hour.
    expect([2, 3]).toContain(await runsOf('report'))
  })

  test('a nightly backup: who waits takes over from the one that fails, and the alarm knows', async () => {
    const [line = ''] = cronLines(CRON, ' backup /usr/local/bin/backup')
    const alarm = block(CRON, 'status backup --max-age 26h\n')
    await machine.does('mkdir -p /var/lib/prometheus/node-exporter')
    expect(await machine.does(alarm)).toMatchObject({ code: 2, stdout: expect.stringMatching(/^CRITICAL/) })
    await job('backup', 'if mkdir /var/first; then sleep 1; echo no space; exit 1; fi')
    const ends = await Promise.all([machine.does(line), machine.does(line), machine.does(line)])
    expect(ends.map(({ code }) => code).sort()).toEqual([0, 0, 1])
    expect(ends.find(({ code }) => code === 1)?.stdout).toContain('no space')
    expect(await runsOf('backup')).toBe(2)
    expect(await machine.does(alarm)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^OK: backup succeeded/) })
    const { stdout: metrics } = await machine.does('cat /var/lib/prometheus/node-exporter/backup.prom')
    expect(metrics).toMatch(/^consul_locker_run_last_success_timestamp_seconds\{name="backup"\} \d/m)
  })

  test('a job of the leader: it runs where the agent says so, and nowhere else', async () => {
    const [line = ''] = cronLines(CRON, ' vacuum /usr/local/bin/vacuum')
    await job('vacuum')
    const slave = await serve(8000, 503)
    expect(await machine.does(line)).toMatchObject(done)
    expect(await runsOf('vacuum')).toBe(0)
    await slave()
    const master = await serve(8000)
    expect(await machine.does(line)).toMatchObject(done)
    expect(await runsOf('vacuum')).toBe(1)
    await master()
  })

  test('a daemon that runs once: its unit is written, and starts what is there', async () => {
    await job('indexer')
    await machine.does('mkdir -p /etc/systemd/system')
    expect((await machine.does(block(CRON, 'indexer --serve'))).code).toBe(0)
    expect(await machine.does('systemctl enable --now consul-locker-indexer.service')).toMatchObject(done)
    const { stdout: unit } = await machine.does('cat /etc/systemd/system/consul-locker-indexer.service')
    expect(unit).toMatch(/^ExecStart=.*indexer.*--serve/m)
  })

  test('a rolling restart: never more than two at a time, each until it is well', async () => {
    const line = block(DEPLOY, 'restart-web').replace('--settle 10s', '--settle 1s')
    await machine.write('/usr/local/sbin/systemctl', '#!/bin/sh\necho down >>/var/web; sleep 1; echo up >>/var/web\n')
    const web = await serve(8080)
    const ends = await Promise.all(Array.from({ length: 5 }, () => machine.does(line)))
    await web()
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    const { stdout } = await machine.does('cat /var/web')
    let down = 0
    const most = stdout
      .trim()
      .split('\n')
      .map((word) => {
        down += word === 'down' ? 1 : -1
        return down
      })
    expect(Math.max(...most)).toBe(2)
    expect(down).toBe(0)
  })

  test.each(['GitHub', 'GitLab'])(
    'a migration in %s’s CI: the second pipeline waits, and each has its own code',
    async (ci) => {
      const pipeline = parse(block(DEPLOY, ci === 'GitHub' ? 'jobs:' : 'script:'))
      const [line] =
        ci === 'GitHub' ? pipeline.jobs.migrate.steps.map(({ run }: { run: string }) => run) : pipeline.migrate.script
      await machine.write(
        `/var/${ci}/migrate`,
        '#!/bin/sh\nmkdir busy || exit 99; sleep 1; rmdir busy; [ "$1" = up ] || exit 98; mkdir done || exit 4\n',
      )
      const ends = await Promise.all([machine.does(line, `/var/${ci}`), machine.does(line, `/var/${ci}`)])
      expect(ends.map(({ code }) => code).sort()).toEqual([0, 4])
    },
  )

  test('reboots: one machine at a time, not while one is away or a release pauses them', async () => {
    const [reboot = '', booted = ''] = cronLines(DEPLOY, '/run/reboot-required')
    await machine.write(
      '/usr/local/sbin/systemctl',
      '#!/bin/sh\necho $PPID >/var/rebooting; echo "$1" >>/var/reboots\n',
    )
    const shutDown = () => machine.does('kill -- -$(cat /var/rebooting)')
    const rebooted = async () => (await machine.does('cat /var/reboots 2>/dev/null || :')).stdout
    await machine.does('for n in 1 2 3; do consul services register -name=web -id=web$n; done')
    expect(await machine.does(reboot)).toMatchObject(done)
    await machine.does('touch /run/reboot-required')
    expect((await machine.does(block(DEPLOY, 'pause reboot'))).code).toBe(0)
    expect(await machine.does(reboot)).toMatchObject(done)
    expect((await machine.does('consul-locker resume reboot')).code).toBe(0)
    expect(await rebooted()).toBe('')

    const first = machine.run(`exec ${reboot}`)
    await patiently(
      async () => (await rebooted()) === 'reboot\n',
      () => `it doesn't reboot: ${first.stderr}`,
    )
    expect(await machine.does(reboot)).toMatchObject(done)
    await shutDown()
    await first.ends()
    expect(await machine.does(reboot)).toMatchObject(done)
    expect(await rebooted()).toBe('reboot\n')

    const web = await serve(8080)
    expect((await machine.does(booted)).code).toBe(0)
    await web()
    const second = machine.run(`exec ${reboot}`)
    await patiently(
      async () => (await rebooted()) === 'reboot\nreboot\n',
      () => `the second machine doesn't reboot: ${second.stderr}`,
    )
    await shutDown()
    await second.ends()
  })
})
