import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import { parseAddress } from '../../../src/consul/address.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { streamKeys } from '../../../src/consul/key-stream.ts'
import type { Entry } from '../../../src/consul/kv.ts'
import { openTransport } from '../../../src/consul/transport.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { SILENT } from '../../virtual/silent-log.ts'

/** A client of a server that answers every request with this status, and with what comes in these chunks. */
async function answering(status: number, chunks: Iterable<string>): Promise<Consul> {
  const server = createServer((_, response) => {
    response.writeHead(status)
    Readable.from(chunks).pipe(response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = parseAddress(`127.0.0.1:${(server.address() as AddressInfo).port}`, false)
  const settings = { ...NO_SETTINGS, address }
  const consul = new Consul(settings, await openTransport(settings))
  onTestFinished(() => {
    consul.close()
    server.closeAllConnections()
    server.close()
  })
  return consul
}

async function keysOf(consul: Consul): Promise<string[]> {
  const signal = AbortSignal.timeout(20_000)
  const ctx: Context = { clock: systemClock, log: SILENT, signal, random: Math.random }
  const keys: string[] = []
  await streamKeys(ctx, consul, 'a', ({ key }: Entry) => keys.push(key))
  return keys
}

const entry = (key: string, value = '') =>
  `{"LockIndex":0,"Key":"${key}","Flags":3304740253564472344,"Value":"${value}","CreateIndex":1,"ModifyIndex":2}`

function* many(count: number) {
  yield '['
  for (let n = 0; n < count; n++) yield `${n > 0 ? ',' : ''}${entry(`a${n}`, 'e'.repeat(4096))}`
  yield ']'
}

describe('keys that come as a stream', () => {
  test('may be more than is read of any other answer', async () => {
    expect(await keysOf(await answering(200, many(4000)))).toHaveLength(4000)
  })

  test('are none where there are none', async () => {
    expect(await keysOf(await answering(404, []))).toEqual([])
  })

  test.each<[string, Iterable<string>]>([
    ['a page', ['<html>']],
    ['half a list', [`[${entry('a')},`]],
    ['keys that were not asked for', [`[${entry('b')}]`]],
    ['entries without a key', ['[{"Flags":0}]']],
  ])('are not what is no such list: %s', async (_, chunks) => {
    await expect(keysOf(await answering(200, chunks))).rejects.toMatchObject({ code: 'not-consul' })
  })

  test('are refused in the words of Consul', async () => {
    await expect(keysOf(await answering(403, ['Permission denied']))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('Permission denied'),
    })
  })
})
