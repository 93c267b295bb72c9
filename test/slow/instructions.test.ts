import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { asCron, block, blocks, readDocument as read } from '../kit/documents.ts'
import { FreshMachine, mayHaveMachines } from '../kit/fresh-machine.ts'
import { patiently } from '../kit/locker.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const PROJECT = join(import.meta.dirname, '../..')

/** What cron would do: the crontab's last line, in the crontab's own environment. */
function cronJob(file: string): string {
  const lines = read(file).trimEnd().split('\n')
  const settings = lines.filter((line) => /^[A-Z_]+=/.test(line)).join(' ')
  const job = asCron(lines.at(-1) ?? '', settings)
  expect(job).toContain('consul-locker')
  return job
}

const done = { code: 0, stderr: '' }

/** As the examples' README says at its beginning. */
const inDist = (text: string) => `PATH=$PWD/dist:$PATH; set +e\n${text}`

describe.runIf(mayHaveMachines)('instructions that are followed word for word', () => {
  let machine: FreshMachine

  beforeAll(async () => {
    machine = await FreshMachine.start()
  })

  afterAll(() => machine?.stop())

  test('every example has its instructions run here or in a test of its own', () => {
    const elsewhere = ['etcd-bootstrap', 'init', 'load-balancer', 'mongodb-replicaset', 'prometheus']
    const here =
      `10-second-wait README.md bootstrap elasticsearch-units hourly-report hourly-report.crontab leader.service mysql-failover
      postgres-failover redis-failover rollout solr`.split(/\s+/)
    expect(readdirSync(join(PROJECT, 'examples')).sort()).toEqual([...elsewhere, ...here].sort())
  })

  test('the hourly report is installed, and cron’s line makes it', async () => {
    const file = 'examples/hourly-report.crontab'
    expect(await machine.does(block(file, 'install'))).toMatchObject({ ...done, stdout: '' })
    expect(await machine.does(cronJob(file))).toMatchObject({ ...done, stdout: '' })
    const report = await machine.does(
      'cmp examples/hourly-report.crontab /etc/cron.d/hourly-report; cat /var/lib/hourly-report/*.txt',
    )
    expect(report.stdout).toMatch(/^Report for \d{10}, by .*, fence \d+\n0 critical checks\n$/)
  })

  test('the rollout is installed, and cron’s line upgrades', async () => {
    const file = 'examples/README.md'
    expect(await machine.does(block(file, 'rollout.crontab'))).toMatchObject({ ...done, stdout: '' })
    expect(await machine.does(block(file, 'rollout.timer'))).toMatchObject(done)
    await machine.write(
      '/usr/local/sbin/apt-get',
      '#!/bin/sh\nfor last; do :; done; echo "$last" | sed s/.*=// >/var/lib/installed\n',
    )
    await machine.write('/usr/local/sbin/dpkg-query', '#!/bin/sh\ncat /var/lib/installed\n')
    const begin = block(file, 'rollout trigger').split('\n')[0] ?? ''
    expect(await machine.does(begin)).toMatchObject(done)
    await machine.write('/usr/local/sbin/systemctl', '#!/bin/sh\n')
    expect(await machine.does(cronJob('examples/rollout/rollout.crontab'))).toMatchObject(done)
    expect(await machine.does(block(file, 'rollout trigger'))).toMatchObject({ ...done, stdout: '2.1.0\n' })
  })

  test.each([
    ['examples/elasticsearch-units/README.md', ['libexec']],
    ['examples/redis-failover/README.md', ['install']],
    ['examples/postgres-failover/README.md', ['install']],
    ['examples/mysql-failover/README.md', ['install']],
    ['examples/leader.service', ['install']],
  ])('the units of %s are installed, and have what they start', async (file, words) => {
    for (const word of words) expect(await machine.does(block(file, word))).toMatchObject(done)
    const [start] = read(file).match(/^ {4}systemctl (?:restart|daemon-reload).*$/m) ?? []
    if (start !== undefined) expect(await machine.does(start.trim())).toMatchObject(done)
  })

  // Before Solr's agent tells everybody that there is no Solr here.
  test('the hourly report of the examples’ README prints what stands there', async () => {
    await machine.does('consul kv delete consul-locker-hourly-report=runs')
    const ended = await machine.does(inDist(block('examples/README.md', 'REPORT_DIRECTORY')))
    expect(ended.stdout).toMatch(/^Report for \d{10}, by .*, fence \d+\n0 critical checks\n$/)
  })

  test('Solr’s commands are installed, and its agent answers', async () => {
    const [install = '', agent = ''] = block('examples/solr/README.md', 'install').split('\n')
    expect(await machine.does(install)).toMatchObject(done)
    const running = machine.run(`exec ${agent}`)
    await running.says(/API server listening/)
    const [ask = ''] = block('examples/solr/README.md', 'curl').split('\n')
    await patiently(
      async () => (await machine.does(ask)).stdout !== '',
      () => running.stderr,
    )
  })

  test('the site of several roles boots in any order, and is ended', async () => {
    await machine.has({ 'redis-server': 'redis-server', 'redis-cli': 'redis-tools', nginx: 'nginx' })
    const booted = await machine.does(inDist(block('examples/README.md', 'role web1')))
    expect(booted.stderr).toContain(
      'waiting for service:db (none is registered), kv:bootstrap/schema (there is no such key)',
    )
    const said = booted.stderr + booted.stdout
    for (const port of [8081, 8082]) {
      expect(said).toMatch(new RegExp(`^web: http://127.0.0.1:${port}/ serves what 127.0.0.1:639[12] had$`, 'm'))
    }
    expect((await machine.does('curl -sf http://127.0.0.1:8082/')).code).toBe(0)
    const [, end = ''] = /To end it: `(kill [^`]*)`/.exec(read('examples/README.md')) ?? []
    expect(await machine.does(end)).toMatchObject(done)
  })

  test('the 10-second wait takes ten seconds, and says so', async () => {
    const [sleep = '', slept] = blocks('examples/README.md').filter((text) => /10-second-wait one|Slept/.test(text))
    const ended = await machine.does(inDist(sleep))
    // A busy machine makes eleven of them.
    const stdout = ended.stdout.replace('Slept 11', 'Slept 10')
    expect({ ...ended, stdout }).toMatchObject({ ...done, stdout: slept })
  })
})
