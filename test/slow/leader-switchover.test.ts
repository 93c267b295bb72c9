import { expect, test } from 'vitest'
import type { RefusedSwitchover, Reign } from '../../src/leader/cluster/leader-history.ts'
import { master } from '../kit/leader.ts'
import { LeaderCluster } from '../kit/leader-cluster.ts'
import { patiently, runLocker } from '../kit/locker.ts'

const TIMEOUT = { timeout: 120_000 }
const SECOND = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/.source

async function pair(): Promise<LeaderCluster> {
  const cluster = await LeaderCluster.start(2)
  await cluster.run('n1', 100, 'master')
  await cluster.run('n2', 100, 'slave')
  await cluster.candidates(1)
  return cluster
}

async function history(cluster: LeaderCluster): Promise<readonly (Reign & RefusedSwitchover)[]> {
  return JSON.parse((await cluster.operate('history', '--json')).stdout)
}

/** Waits until the last event of the history is a refusal for this reason. */
async function refused(cluster: LeaderCluster, why: RegExp): Promise<void> {
  let last: Partial<RefusedSwitchover> | undefined
  await patiently(
    async () => {
      last = (await history(cluster)).at(-1)
      return last?.candidate !== undefined && why.test(last.why ?? '')
    },
    () => `the last event is ${JSON.stringify(last)}`,
  )
}

/** As an operator asks for one, whose time has come by now. */
async function plan(cluster: LeaderCluster, candidate: string, lateMs = 0): Promise<void> {
  const at = new Date(Date.now() - lateMs).toISOString()
  const value = JSON.stringify({ id: 'test', candidate, at, by: 'root@web9' })
  await cluster.consul.request('PUT', `/kv/lock/${cluster.name}/switchover`, value)
}

// Two agents live twice.
test('a switchover at a time outlives every agent, and is made by whoever is master then', TIMEOUT, async () => {
  const cluster = await pair()
  const { name } = cluster
  expect(await cluster.operate('switchover', '--candidate', 'n2', '--in', '5s')).toMatchObject({ code: 0, stderr: '' })
  // The agents that heard of it are gone before its time.
  const before = cluster.nodes.map(({ running }) => running)
  for (const running of before) running?.kill('SIGTERM')
  for (const running of before) await running?.ends()
  await cluster.run('n1', 100, 'master')
  await cluster.run('n2', 100, 'slave')
  await cluster.node('n2').toy.plays('master')
  let last: Partial<Reign> | undefined
  await patiently(
    async () => {
      last = (await history(cluster)).find(({ node, by }) => node === 'n1' && by !== undefined)
      return last?.why === 'an operator asked for it' && / for this time$/.test(last.by ?? '')
    },
    () => `the history says ${JSON.stringify(last)}`,
  )
  expect(await cluster.consul.entry(`lock/${name}/switchover`)).toBeUndefined()
  expect(await cluster.consul.entry(`lock/${name}/step-down`)).toBeUndefined()
})

test('a switchover at a time is shown, stands alone, and can be taken back', async () => {
  const cluster = await pair()
  const asked = await cluster.operate('switchover', '--candidate', 'n2', '--in', '1h')
  expect(asked).toMatchObject({ code: 0, stderr: '' })
  expect(asked.stdout).toMatch(new RegExp(`^${cluster.name}: n2 is to be master at \\S+, in (59m\\d+s|1h)\n$`))
  const status = await cluster.operate('status')
  expect(status.stdout).toMatch(new RegExp(`\nswitchover to n2 at ${SECOND} \\(in \\S+\\), by \\S+@\\S+\n`))
  expect(JSON.parse((await cluster.operate('status', '--json')).stdout).switchover).toMatchObject({ candidate: 'n2' })
  expect(await cluster.operate('switchover', '--candidate', 'n2', '--in', '2h')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /error: a switchover to n2 at \S+ has been asked for already, by .* --cancel takes it/,
    ),
  })
  const cancelled = await cluster.operate('switchover', '--cancel')
  expect(cancelled).toMatchObject({ code: 0, stdout: expect.stringContaining('no switchover to n2 at 2'), stderr: '' })
  expect(await cluster.operate('switchover', '--cancel')).toMatchObject({ code: 1, stdout: '' })
})

test('what stands against a switchover when its time has come is told in the history, and it stays undone', async () => {
  const cluster = await pair()
  const { toy } = cluster.node('n1')
  cluster.node('n2').toy.set('position', '58')
  await plan(cluster, 'n2')
  await refused(cluster, /^n2 lacks 42 of what n1 has/)
  for (const [candidate, lateMs, why] of [
    ['n9', 0, /^no agent is on n9$/],
    ['n1', 0, /^n1 was master already$/],
    ['n2', 61_000, /^nobody was master at /],
  ] as const) {
    await plan(cluster, candidate, lateMs)
    await refused(cluster, why)
  }
  await cluster.operate('maintenance', '--for', '10m')
  await cluster.node('n1').running?.says(/is in maintenance/)
  await plan(cluster, 'n2')
  await refused(cluster, /^it is in maintenance$/)
  const table = await cluster.operate('history')
  expect(table.stdout).toMatch(new RegExp(`\n${SECOND}  n2 +- +no switchover: it is in maintenance:\\s+root@web9\n$`))
  expect(Math.max(...table.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(toy.calls).toEqual(['master'])
  expect(await cluster.consul.entry(`lock/${cluster.name}/switchover`)).toBeUndefined()
  expect(await cluster.consul.entry(`lock/${cluster.name}/step-down`)).toBeUndefined()
})

test('a master that dies with a switchover begun leaves a word about it, and nothing else', async () => {
  const cluster = await pair()
  const request = {
    node: 'n9',
    candidate: 'n2',
    by: 'root@web9',
    at: new Date().toISOString(),
    scheduled: true,
    id: 'x',
  }
  await cluster.consul.request('PUT', `/kv/lock/${cluster.name}/step-down`, JSON.stringify(request))
  await refused(cluster, /^n9 was gone before it could hand over$/)
  expect(await cluster.consul.entry(`lock/${cluster.name}/step-down`)).toBeUndefined()
})

test('a maintenance that is on by then keeps a switchover from being scheduled, and one that is over does not', async () => {
  const cluster = await pair()
  await cluster.operate('maintenance', '--node', 'n2', '--for', '1h')
  const within = await cluster.operate('switchover', '--candidate', 'n2', '--in', '10m')
  const refusal = expect.stringMatching(/error: \S+ is in maintenance until \S+, which is later/)
  expect(within).toMatchObject({ code: 1, stdout: '', stderr: refusal })
  const after = await cluster.operate('switchover', '--candidate', 'n2', '--in', '61m')
  expect(after).toMatchObject({ code: 0, stderr: '' })
})

test.each([
  [/--at "2026-01-01T00:00Z" is past, by \d+d/, ['switchover', '--candidate', 'n2', '--at', '2026-01-01T00:00Z']],
  [/--at "soon" is not a time \(write it as /, ['switchover', '--candidate', 'n2', '--at', 'soon']],
  [/--in "0s" is no time/, ['switchover', '--candidate', 'n2', '--in', '0s']],
  [/--at and --in are two wishes/, ['switchover', '--candidate', 'n2', '--at', '03:00', '--in', '1h']],
  [/--cancel and --candidate are two wishes/, ['switchover', '--cancel', '--candidate', 'n2']],
  [/leader step-down takes no --candidate\n/, ['step-down', '--candidate', 'n2']],
  [/leader step-down takes no --at\n/, ['step-down', '--at', '03:00']],
  [/leader disable takes no --for\n/, ['disable', '--for', '1h']],
])('%s is said of what makes no sense', async (sentence, words) => {
  const stderr = expect.stringMatching(sentence)
  expect(await runLocker(['leader', ...words, 'nobody'])).toMatchObject({ code: 2, stdout: '', stderr })
})

test('who is not there, or is master already, is no candidate for later either', async () => {
  const { toy } = await master()
  for (const [candidate, sentence] of [
    ['n9', `no agent of ${toy.name} is on n9 (its nodes are dev`],
    ['dev', `dev is the master of ${toy.name} already`],
  ] as const) {
    const ended = await runLocker(['leader', 'switchover', toy.name, '--candidate', candidate, '--at', '03:00'])
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(sentence) })
  }
})
