import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type Ended, runLocker } from '../kit/locker.ts'
import { expectSentence, serveTcp } from '../kit/refusals.ts'

describe('what does not answer is out of reach:', () => {
  test.for<[string, () => Promise<string>, RegExp]>([
    ['a port that accepts and stays silent', silentPort, /nothing answered.*\(.*\)/],
    ['a port that accepts and closes', closingPort, /closes the connection without an answer.*\(.*\)/],
  ])('%s', async ([, start, sentence]) => {
    const address = await start()
    const words = [
      ['--no-wait', 'name', 'echo', 'ran'],
      ['hosts', '--label', 'a'],
    ]
    const ends: Ended[] = await Promise.all(words.map((line) => runLocker(line, { address })))
    for (const ended of ends) expectSentence(ended, 3, sentence)
  })

  test.for<[string, () => Promise<string>]>([
    ['a port that accepts and stays silent', silentPort],
    ['a port that accepts and closes', closingPort],
    ['a host whose name means nothing', async () => 'consul..invalid:8500'],
  ])('%s keeps nobody longer than --consul-timeout', async ([, start]) => {
    const address = await start()
    const patience = ['--consul-timeout', '1s']
    const words = [
      [...patience, 'name', 'echo', 'ran'],
      [...patience, '--gate', 'kv:a', 'name', 'echo', 'ran'],
      ['wait', ...patience, 'service:a'],
      ['hosts', ...patience, '--label', 'a', '--wait', '1h'],
      ['lease', 'acquire', ...patience, '--label', 'a', '--service-id', 'a', '--acquire-timeout', '1h'],
      ['monitor', ...patience, '--label', 'a', '--service-id', 'a', '--monitor-tcp', '127.0.0.1:9'],
      ['promote', 'a', ...patience, '--watch', '--', 'true'],
      ['promote', 'a', '--node', 'n', ...patience, '--wait', 'START', '--timeout', '1h'],
    ]
    const ends: Ended[] = await Promise.all(words.map((line) => runLocker(line, { address })))
    expect(ends.map(({ code, stdout }) => ({ code, stdout }))).toEqual(words.map(() => ({ code: 3, stdout: '' })))
    expect(ends[0]?.stderr).toMatch(
      /^(.*warn: .*; trying again, for 1s at most\n)?.*error: .*; gave up after 1s \(--consul-timeout\).*\n$/,
    )
  })

  test('a port where nobody listens is an outage', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const ended = await runLocker(['--no-wait', 'name', 'echo', 'ran'], { address: `127.0.0.1:${port}` })
    expectSentence(ended, 3, /can't be reached.*\(.*CONSUL_HTTP_ADDR.*\)/)
  })
})

function silentPort(): Promise<string> {
  return serveTcp(() => {})
}

function closingPort(): Promise<string> {
  return serveTcp((socket) => socket.once('data', () => socket.destroy()))
}
