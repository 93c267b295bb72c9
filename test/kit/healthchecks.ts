import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { patiently } from './locker.ts'

/** One ping that has arrived, as healthchecks.io reads it. */
export interface SeenPing {
  /** `start`, `success`, `fail` or `log`. */
  readonly action: string
  readonly exitStatus: number | undefined
  readonly rid: string | undefined
  readonly body: string
}

export interface HealthchecksOptions {
  /** How a request is answered, in place of a ping's answer; `false` has the server go on as ever. */
  readonly instead?: (request: IncomingMessage, response: ServerResponse, tries: number) => boolean
  /** As its PING_BODY_LIMIT. */
  readonly bodyLimit?: number
  /** Key and certificate, PEM. */
  readonly secure?: { readonly key: string; readonly cert: string }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const PATH = /^\/([0-9a-f-]{36})(?:\/(start|fail|log|\d+))?$/

/** One check of a server that speaks the pinging API, as https://healthchecks.io/docs/http_api/ describes it. */
export class Healthchecks {
  /** The check's ping URL. */
  readonly url: string
  readonly uuid: string
  readonly pings: SeenPing[] = []
  /** How many requests came, pings or not. */
  tries = 0

  private constructor(origin: string, uuid: string) {
    this.uuid = uuid
    this.url = `${origin}/${uuid}`
  }

  /** Serves as long as the test runs. */
  static async start({ instead, bodyLimit = 10_000, secure }: HealthchecksOptions = {}): Promise<Healthchecks> {
    const handler = (request: IncomingMessage, response: ServerResponse) => {
      check.tries += 1
      if (!instead?.(request, response, check.tries)) check.#answer(request, response, bodyLimit)
    }
    const server = secure ? createSecureServer(secure, handler) : createServer(handler)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    const scheme = secure ? 'https://localhost' : 'http://127.0.0.1'
    const check = new Healthchecks(`${scheme}:${(server.address() as AddressInfo).port}`, crypto.randomUUID())
    return check
  }

  async #answer(request: IncomingMessage, response: ServerResponse, bodyLimit: number): Promise<void> {
    const body = await text(request)
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://any')
    const [, uuid, ending] = PATH.exec(pathname) ?? []
    const exitStatus = ending !== undefined && /^\d+$/.test(ending) ? Number(ending) : undefined
    const rid = searchParams.get('rid') ?? undefined
    const isBad =
      uuid === undefined ||
      (exitStatus ?? 0) > 255 ||
      (rid !== undefined && !UUID.test(rid)) ||
      request.method === 'PUT'
    if (isBad) {
      response.writeHead(400).end('invalid url format')
      return
    }
    response.writeHead(200, { 'content-type': 'text/plain', 'ping-body-limit': String(bodyLimit) })
    if (uuid !== this.uuid) {
      response.end('OK (not found)')
      return
    }
    const action = exitStatus === undefined ? (ending ?? 'success') : exitStatus === 0 ? 'success' : 'fail'
    this.pings.push({ action, exitStatus, rid, body: body.slice(0, bodyLimit) })
    response.end('OK')
  }

  /** Waits until so many pings have arrived. */
  has(pings: number): Promise<unknown> {
    return patiently(
      () => this.pings.length >= pings,
      () => `the check has ${JSON.stringify(this.pings)}`,
    )
  }
}
