import { expect, test } from 'vitest'
import { LeaderCluster } from '../kit/leader-cluster.ts'

test('a person has a node lead that is not ready, and hears what is known of what is lost', async () => {
  const cluster = await LeaderCluster.start(2)
  const note = `lock/${cluster.name}/note`
  const text = JSON.stringify({ node: 'n9', history: 'h', position: '100', slack: '0' })
  await cluster.consul.request('PUT', `/kv/${note}`, text)
  for (const { toy } of cluster.nodes) toy.set('behind')
  const { toy } = await cluster.run('n1', 58, 'slave')
  const other = await cluster.run('n2', 57, 'slave')
  const promote = (node: string, ...more: string[]) => cluster.operate('promote', node, ...more)
  expect(await promote('n1')).toMatchObject({ code: 2, stderr: expect.stringContaining('--accept-loss') })
  expect(await promote('n1', '--accept-loss')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('what n1 lacks is lost for good (give --yes'),
  })
  const absent = await promote('n7', '--accept-loss', '--yes')
  expect(absent).toMatchObject({ code: 1, stderr: expect.stringMatching(/no agent of toy-\S+ is on n7/) })
  other.toy.set('sick')
  await other.toy.plays('unhealthy')
  const ill = await promote('n2', '--accept-loss', '--yes')
  expect(ill).toMatchObject({ code: 1, stderr: expect.stringContaining('is not healthy on n2: sick: disk on fire') })
  expect([...toy.calls, ...other.toy.calls]).toEqual([])
  toy.set('fail-master')
  expect(await promote('n1', '--accept-loss', '--yes', '--timeout', '5s')).toMatchObject({ code: 1 })
  expect(await cluster.consul.value(note)).toBe(text)
  toy.unset('fail-master')
  const done = await promote('n1', '--accept-loss', '--yes')
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toMatch(
    /^the last master, n9, was at 100 of h\nn1: 58, passing\nn2: 57, critical\n.*n1 is master now\n$/,
  )
  expect(await cluster.consul.entry(note)).toBeUndefined()
  expect(await cluster.consul.entry(`lock/${cluster.name}/promotion`)).toBeUndefined()
  await toy.plays('master')
  const late = await promote('n2', '--accept-loss', '--yes')
  expect(late).toMatchObject({ code: 1, stderr: expect.stringMatching(/n1 holds the lock of toy-/) })
})
