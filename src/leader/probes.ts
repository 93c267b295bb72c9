import { unlessAborted, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import type { Report } from './application.ts'

const KEPT_BYTES = 4096

/** Healthy when the URL answers with 2xx in time; the message is the body's beginning. Never rejects. */
export function probeUrl(ctx: Context, url: string, timeoutMs: number): Promise<Report> {
  return bounded(ctx, timeoutMs, url, (signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<Report>()
    const http = process.getBuiltinModule('node:http')
    const request = http.get(url, { signal, agent: false }, (response) => {
      const { statusCode = 0 } = response
      let body = ''
      const end = () => {
        resolve({
          healthy: statusCode >= 200 && statusCode < 300,
          message: body.trim() || `${url} gives ${statusCode}`,
        })
        request.destroy()
      }
      response.setEncoding('utf8').on('data', (text: string) => {
        body = (body + text).slice(0, KEPT_BYTES)
        if (body.length === KEPT_BYTES) end()
      })
      response.on('end', end).on('error', reject)
    })
    request.on('error', reject)
    return promise
  })
}

/** Healthy when something takes connections there. Never rejects. */
export function probePort(ctx: Context, address: string, timeoutMs: number): Promise<Report> {
  return bounded(ctx, timeoutMs, address, (signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<Report>()
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    const socket = process
      .getBuiltinModule('node:net')
      .connect({ host, port: Number(address.slice(colon + 1)), signal })
    socket.on('connect', () => {
      resolve({ healthy: true, message: `${address} takes connections` })
      socket.destroy()
    })
    socket.on('error', reject)
    return promise
  })
}

async function bounded(
  ctx: Context,
  timeoutMs: number,
  what: string,
  probe: (signal: AbortSignal) => Promise<Report>,
): Promise<Report> {
  try {
    return await withDeadline(ctx, timeoutMs, ({ signal }) =>
      unlessAborted(ctx.signal, unlessAborted(signal, probe(signal))),
    )
  } catch (thrown) {
    return { healthy: false, message: `${what}: ${messageOf(thrown)}` }
  }
}
