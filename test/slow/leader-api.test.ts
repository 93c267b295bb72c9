import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { leaderKey, tagged } from '../kit/leader.ts'
import { patiently } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'
import { Toy } from '../kit/toy-application.ts'

const LEADER = { node: 'n2', address: '10.0.0.2', port: 6379, promoted: true }

/** A slave of another node. Settles with what ends that one's reign. */
async function slave(toy: Toy): Promise<() => Promise<void>> {
  const session = await client.createSession({ LockDelay: '0s' })
  await client.acquire(leaderKey(toy), session, JSON.stringify(LEADER))
  toy.start()
  await toy.becomes('slave n2 10.0.0.2 6379')
  await tagged(toy, 'slave')
  return async () => {
    await client.deleteKey(leaderKey(toy))
    await client.destroySession(session)
  }
}

describe('a slave that is too far behind', () => {
  test('leaves slave. and /replica until it has caught up, and may become master', async () => {
    const toy = await Toy.make()
    toy.configure({ max_lag: '10s' })
    const ends = await slave(toy)
    expect(await toy.get('/replica')).toMatchObject({ status: 200 })
    toy.set('cores', 'lag=11s')
    await tagged(toy, 'stale')
    expect(await toy.get('/replica')).toMatchObject({ status: 503, text: '"stale"\n' })
    toy.set('cores', 'lag=9.5s')
    await tagged(toy, 'slave')
    expect(await toy.get('/replica')).toMatchObject({ status: 200 })
    expect(await toy.get('/replica?lag=9s')).toMatchObject({ status: 503 })
    expect(await toy.get('/replica?lag=10s')).toMatchObject({ status: 200 })
    expect(await toy.get('/replica?lag=long')).toMatchObject({ status: 400 })
    toy.set('cores', 'lag=11s')
    await tagged(toy, 'stale')
    await ends()
    await toy.becomes('master')
    await tagged(toy, 'master')
  })
})

/** A server that says its name to who connects. */
async function named(name: string): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** What a server says, if one is there. */
async function heard(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'close').catch(() => {})
  return text
}

const RECIPE = /```haproxy\n([^`]+)```/.exec(
  readFileSync(join(import.meta.dirname, '../../docs/leader.md'), 'utf8'),
)?.[1]

describe("docs/leader.md's HAProxy", () => {
  beforeAll(() => program('haproxy', 'haproxy'))

  test('leads writes to the master and reads to a slave, and follows a failover', async () => {
    const [first, second] = [await Toy.make(), await Toy.make()]
    const [one, two] = [await named('one'), await named('two')]
    first.configure({ port: one })
    second.configure({ port: two })
    const agent = first.start()
    await tagged(first, 'master')
    second.set('cores', 'lag=1s')
    const ends = await slave(second)
    const { http: writes, dns: reads } = await freePorts()
    let text = RECIPE ?? ''
    for (const [there, here] of [
      ['10.0.0.1:6379', `127.0.0.1:${one} port ${first.api.split(':')[1]}`],
      ['10.0.0.2:6379', `127.0.0.1:${two} port ${second.api.split(':')[1]}`],
      ['16379', `${writes}`],
      ['16380', `${reads}`],
    ] as const) {
      expect(text).toContain(there)
      text = text.replaceAll(there, here)
    }
    const file = join(first.dir, 'haproxy.cfg')
    writeFileSync(file, text)
    const { path, env } = await program('haproxy', 'haproxy')
    const proxy = spawn(path, ['-db', '-f', file], { env, stdio: 'ignore' })
    onTestFinished(async () => {
      if (proxy.kill('SIGKILL')) await once(proxy, 'exit')
    })
    let last: string[] = []
    const leads = (...wanted: string[]) =>
      patiently(
        async () => {
          last = [await heard(writes), await heard(reads)]
          return last.join() === wanted.join()
        },
        () => `writes and reads lead to ${last}, not to ${wanted}`,
      )
    await leads('one', 'two')
    agent.kill('SIGTERM')
    await agent.ends()
    await ends()
    await leads('two', '')
  })
})
