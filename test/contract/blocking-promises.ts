import { expect, test } from 'vitest'
import type { Client, Reply } from './consul-target.ts'

interface Scene {
  readonly client: Client
  /** Holds the lock. */
  readonly mine: string
  readonly yours: string
}

const changes: [what: string, status: number, change: (scene: Scene) => Promise<unknown>][] = [
  ['is written', 200, ({ client }) => client.write('', 'other')],
  ['is deleted', 404, ({ client }) => client.remove()],
  ['is deleted with its folder', 404, ({ client }) => client.delete(`/v1/kv/${client.key}?recurse`)],
  ['is released', 200, ({ client, mine }) => client.write(`?release=${mine}`)],
  ['is acquired with another value', 200, ({ client, mine }) => client.acquire(mine, 'other')],
  ['loses its session', 200, ({ client, mine }) => client.destroy(mine)],
  ['is written in a transaction', 200, ({ client }) => client.txn({ Verb: 'set', Key: client.key })],
  ['is deleted in a transaction', 404, ({ client }) => client.txn({ Verb: 'delete', Key: client.key })],
]

const nothings: [what: string, change: (scene: Scene) => Promise<unknown>][] = [
  ['the same is written by the holder', ({ client, mine }) => client.acquire(mine, 'v')],
  ['another tries to acquire', ({ client, yours }) => client.acquire(yours)],
  ['another tries to release', ({ client, yours }) => client.write(`?release=${yours}`)],
  ['another is written in a transaction that fails', ({ client, yours }) => failedWrite(client, yours)],
  ['the holder is renewed', ({ client, mine }) => client.put(`/v1/session/renew/${mine}`)],
]

function failedWrite(client: Client, session: string): Promise<unknown> {
  const { key } = client
  return client.txn({ Verb: 'set', Key: key }, { Verb: 'check-session', Key: key, Session: session })
}

async function held(client: Client): Promise<Scene> {
  const [mine, yours] = [await client.session(), await client.session()]
  await client.acquire(mine)
  return { client, mine, yours }
}

/** Long enough for the request to arrive before what comes next. */
const ARRIVAL_MS = 100

export function blockingPromises(open: () => Client): void {
  /** Reads from where the key stands, does `change` meanwhile, and settles with the reply and how long it took. */
  async function readDuring(
    scene: Scene,
    wait: string,
    change: () => Promise<unknown>,
  ): Promise<[Reply, number, number]> {
    const { client } = scene
    const { ModifyIndex } = await client.row()
    const startMs = client.target.nowMs()
    const reading = client.get(`/v1/kv/${client.key}?index=${ModifyIndex}&wait=${wait}`)
    await client.target.pass(ARRIVAL_MS)
    await change()
    const reply = await client.target.during(reading)
    return [reply, ModifyIndex, client.target.nowMs() - startMs]
  }

  test.for(changes)('returns at once when its key %s', async ([, status, change]) => {
    const scene = await held(open())
    const [reply, index, tookMs] = await readDuring(scene, '30s', () => change(scene))
    expect(reply.status).toBe(status)
    expect(reply.index).toBeGreaterThan(index)
    expect(tookMs).toBeLessThan(5000)
  })

  test.for(nothings)('does not return when %s', async ([, change]) => {
    const scene = await held(open())
    const [reply, index, tookMs] = await readDuring(scene, '1s', () => change(scene))
    expect(reply.index).toBe(index)
    expect(tookMs).toBeGreaterThanOrEqual(990)
  })

  test('returns unchanged when its time is over, up to a sixteenth later', async () => {
    const scene = await held(open())
    const isInTime = async () => {
      const [reply, index, tookMs] = await readDuring(scene, '1600ms', async () => {})
      expect([reply.status, reply.index]).toEqual([200, index])
      expect(tookMs).toBeGreaterThanOrEqual(1590)
      return tookMs < 2200
    }
    // On a busy machine an answer may be heard of late, but not each time.
    for (let tries = 1; !(await isInTime()); tries++) expect(tries).toBeLessThan(5)
  })

  test('of an absent key returns when it is created', async () => {
    const client = open()
    // Others' writes to neighbouring keys may wake it, too; then it is still absent.
    const created = async () => {
      let { index } = await client.get(`/v1/kv/${client.key}`)
      for (;;) {
        const reply = await client.get(`/v1/kv/${client.key}?index=${index}&wait=30s`)
        if (reply.status === 200) return reply
        index = reply.index
      }
    }
    const reading = created()
    await client.target.pass(ARRIVAL_MS)
    await client.acquire(await client.session())
    const { index } = await client.target.during(reading)
    expect(index).toBe((await client.row()).ModifyIndex)
  })

  test('waits for an index in the future', async () => {
    const client = open()
    await client.write()
    const startMs = client.target.nowMs()
    const { ModifyIndex } = await client.row()
    const reply = await client.target.during(client.get(`/v1/kv/${client.key}?index=${ModifyIndex + 1e6}&wait=1s`))
    expect(reply.index).toBe(ModifyIndex)
    expect(client.target.nowMs() - startMs).toBeGreaterThanOrEqual(990)
  })

  test.for(['0', '1'])('from index %s returns at once', async (index) => {
    const client = open()
    await client.write()
    const startMs = client.target.nowMs()
    await client.target.during(client.get(`/v1/kv/${client.key}?index=${index}&wait=30s`))
    expect(client.target.nowMs() - startMs).toBeLessThan(5000)
  })

  test.for(['a creation', 'a deletion'])('of a folder returns at %s below it', async (what) => {
    const client = open()
    await client.put(`/v1/kv/${client.key}/a`, 'v')
    const { index } = await client.get(`/v1/kv/${client.key}/?recurse`)
    const reading = client.get(`/v1/kv/${client.key}/?recurse&index=${index}&wait=30s`)
    await client.target.pass(ARRIVAL_MS)
    if (what === 'a creation') await client.put(`/v1/kv/${client.key}/b/c`, 'v')
    else await client.delete(`/v1/kv/${client.key}/a`)
    const reply = await client.target.during(reading)
    expect(reply.index).toBeGreaterThan(index)
    expect(reply.status).toBe(what === 'a creation' ? 200 : 404)
  })

  test('does not return when a lock-delay ends', async () => {
    const scene = await held(open())
    await scene.client.destroy(scene.mine)
    const [reply, index, tookMs] = await readDuring(scene, '2s', async () => {})
    expect(reply.index).toBe(index)
    expect(tookMs).toBeGreaterThanOrEqual(1990)
    expect(await scene.client.acquire(scene.yours)).toBe(true)
  })

  test('refuses an index or a wait that is none', async () => {
    const client = open()
    await client.write()
    const index = await client.get(`/v1/kv/${client.key}?index=abc`)
    expect([index.status, index.text]).toEqual([400, 'Invalid index'])
    const wait = await client.get(`/v1/kv/${client.key}?index=1&wait=abc`)
    expect([wait.status, wait.text]).toEqual([400, 'Invalid wait time'])
  })
}
