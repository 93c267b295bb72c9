import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, type TestContext, test } from 'vitest'
import { Client, type ConsulTarget } from './consul-target.ts'
import { registeredService } from './services.ts'

/**
 * A web server of the test's, and where it is. It ends with that very test: these run beside each other, where vitest's
 * own hooks mean another one.
 */
async function webServer(
  { onTestFinished }: TestContext,
  answer: Parameters<typeof createServer>[1],
): Promise<{ server: Server; address: string }> {
  const server = createServer(answer)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Registers the promises about checks by which an agent looks at others itself. They need a network, and real time. */
export function probePromises(name: string, open: () => ConsulTarget): void {
  describe.concurrent(`${name}: a check that looks`, () => {
    const isHow = (client: Client, status: string) =>
      client.readUntil(`/v1/health/checks/${client.name}`, (list) => list[0]?.Status === status)

    test('at a URL is critical when nobody answers there any more', async (context) => {
      const client = new Client(open())
      const { server, address } = await webServer(context, (_, response) => {
        response.end()
      })
      await registeredService(client, { Check: { HTTP: `http://${address}/`, Interval: '1s' } })
      await isHow(client, 'passing')
      server.closeAllConnections()
      server.close()
      await isHow(client, 'critical')
    })

    test('asks with method, headers and body, and follows redirects', async (context) => {
      const client = new Client(open())
      const asked: string[] = []
      const { address } = await webServer(context, async (request, response) => {
        let body = ''
        for await (const chunk of request) body += chunk
        asked.push([request.method, request.url, request.headers['x-test'], body].join(' '))
        if (request.url === '/') response.writeHead(307, { location: '/there' }).end()
        else response.writeHead(200).end()
      })
      const about = { Method: 'POST', Header: { 'X-Test': ['a'] }, Body: 'hello', Interval: '1s' }
      await registeredService(client, { Check: { HTTP: `http://${address}/`, ...about } })
      await isHow(client, 'passing')
      expect(asked.slice(0, 2)).toEqual(['POST / a hello', 'POST /there a hello'])
    })

    test('at a port passes while something takes connections there', async (context) => {
      const client = new Client(open())
      const { server, address } = await webServer(context, () => {})
      const { id } = await registeredService(client, { Check: { TCP: address, Interval: '1s' } })
      await isHow(client, 'passing')
      const { json } = await client.read('/v1/agent/checks')
      expect(json[`service:${id}`]).toMatchObject({ Type: 'tcp', Output: `TCP connect ${address}: Success` })
      const told = await client.put(`/v1/agent/check/pass/service:${id}`)
      expect([told.status, told.text]).toEqual([500, `CheckID "service:${id}" does not have associated TTL`])
      server.close()
      await isHow(client, 'critical')
    })

    test('turns only after so many results in a row', async (context) => {
      const client = new Client(open())
      const seen: number[] = []
      const { address } = await webServer(context, (_, response) => {
        seen.push(seen.length)
        response.writeHead(seen.length === 2 ? 500 : 200).end()
      })
      const rows = { FailuresBeforeCritical: 2, SuccessBeforePassing: 2 }
      await registeredService(client, {
        Check: { HTTP: `http://${address}/`, Interval: '1s', Status: 'passing', ...rows },
      })
      const states = new Set<string>()
      await client.readUntil(`/v1/health/checks/${client.name}`, (list) => {
        states.add(list[0]?.Status)
        return seen.length >= 4
      })
      expect([...states].filter((state) => state !== undefined)).toEqual(['passing'])
    })

    test.for<[number, string]>([
      [200, 'passing'],
      [204, 'passing'],
      [429, 'warning'],
      [404, 'critical'],
    ])('at a URL that answers %i is %s', async ([status, how], context) => {
      const client = new Client(open())
      const { address } = await webServer(context, (_, response) => {
        response.writeHead(status).end('hello')
      })
      const { id } = await registeredService(client, { Check: { HTTP: `http://${address}/`, Interval: '1s' } })
      await client.readUntil('/v1/agent/checks', (checks) =>
        new RegExp(`^HTTP GET http://\\S+: ${status}.* Output: `).test(checks[`service:${id}`]?.Output),
      )
      const { json } = await client.read('/v1/agent/checks')
      expect(json[`service:${id}`]).toMatchObject({ Type: 'http', Status: how })
      await client.readUntil(`/v1/health/checks/${client.name}`, (list) => list[0]?.Status === how)
    })
  })
}
