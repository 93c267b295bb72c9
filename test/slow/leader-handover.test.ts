import { expect, test } from 'vitest'
import { LeaderCluster } from '../kit/leader-cluster.ts'

test('a master hands over to a node that has caught up, and refuses to any other, saying why', async () => {
  const cluster = await LeaderCluster.start(2)
  const { toy } = await cluster.run('n1', 100, 'master')
  const other = await cluster.run('n2', 58, 'slave')
  await other.toy.becomes('slave n1 127.0.0.1 4711')
  await cluster.candidates(1)
  const refused = {
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('error: n1 stays master: n2 lacks 42 of what n1 has (it is at 58) (--force'),
  }
  expect(await cluster.operate('switchover', '--candidate', 'n2')).toMatchObject(refused)
  expect(await cluster.operate('disable', '--node', 'n1')).toMatchObject(refused)
  expect(await cluster.consul.entry(`lock/${cluster.name}/step-down`)).toBeUndefined()
  expect(toy.calls).toEqual(['master'])
  for (const [candidate, sentence] of [
    ['n9', /no agent of toy-\S+ is on n9 \(its nodes are n1, n2\)/],
    ['n1', /n1 is the master of toy-\S+ already/],
  ] as const) {
    const ended = await cluster.operate('switchover', '--candidate', candidate)
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(sentence) })
  }
  other.toy.set('position', '100')
  const done = await cluster.operate('switchover', '--candidate', 'n2')
  expect(done).toMatchObject({ code: 0, stdout: `${cluster.name}: n2 is master now, after n1\n`, stderr: '' })
  await toy.becomes('slave n2 127.0.0.1 4711')
  const { members } = JSON.parse((await cluster.operate('status', '--json')).stdout)
  expect(members).toMatchObject([
    { node: 'n1', role: 'slave' },
    { node: 'n2', role: 'master' },
  ])
  expect(await cluster.operate('step-down')).toMatchObject({ code: 0, stderr: '' })
  await toy.plays('master')
})

test('when a master falls, the most advanced of the others is the next, and not the first to come', async () => {
  const cluster = await LeaderCluster.start(3)
  const { toy } = await cluster.run('n1', 100, 'master')
  await cluster.run('n2', 98, 'slave')
  const best = await cluster.run('n3', 99, 'slave')
  await cluster.candidates(2)
  for (const [ill, next] of [
    ['n1', 'n3'],
    ['n3', 'n2'],
  ] as const) {
    cluster.node(ill).toy.set('sick')
    await cluster.node(next).toy.plays('master')
  }
  expect(best.toy.calls).toContain('master')
  toy.unset('sick')
  best.toy.unset('sick')
  await cluster.candidates(2)
  cluster.node('n2').running?.kill('SIGKILL')
  await toy.plays('master')
})
