import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EVIL, expectHarmless } from '../kit/harmless.ts'
import { runLocker } from '../kit/locker.ts'

/** Somebody who answers everything with these words. */
async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_, reply) => {
    reply.writeHead(status, { 'X-Consul-Index': '1', 'Content-Type': 'application/json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('an agent’s own words', () => {
  const asked = [
    ['--no-wait', 'name', 'true'],
    ['wait', '--once', 'kv:a'],
    ['hosts', '--label', 'a'],
    ['lease', 'show', '--label', 'a'],
    ['leader', 'status', 'a'],
    ['rollout', 'current'],
    ['rollout', 'failures'],
    ['promote', 'a', '--node', 'n'],
  ]

  test.each([400, 401, 403, 404, 413, 429, 500, 503])('are harmless with a status of %i', async (status) => {
    const address = await answering(status, `${EVIL}\n${EVIL}`)
    for (const ended of await Promise.all(asked.map((words) => runLocker(words, { address })))) {
      expect(ended.code).not.toBe(70)
      expectHarmless(ended)
    }
  })

  test('are harmless when they are the servers of a token', async () => {
    const servers = ['10.0.0.1:8300', 'evil; reboot', '--config-dir=/tmp/x', `10.0.0.2:8300${EVIL}`, 'name:1', '']
    const address = await answering(200, JSON.stringify(servers))
    const lookup = ['discovery', 'lookup', '--url', address, '0'.repeat(32)]
    expect(await runLocker(lookup)).toMatchObject({ code: 0, stdout: '10.0.0.1:8300\n', stderr: '' })
    expect(await runLocker([...lookup, '--json'])).toMatchObject({ stdout: '["10.0.0.1:8300"]\n' })
  })
})
