import { connect } from 'node:net'
import type { Context } from '../base/context.ts'
import type { HostPort } from '../base/host-port.ts'
import { type ProbeResult, probeWithin } from './probe-result.ts'

/** A port of a machine, or a socket of this one. */
export type Endpoint = HostPort | { readonly path: string }

/** Connects once; healthy when something takes connections there. Rejects only with the signal's reason. */
export function probePort(ctx: Context, endpoint: Endpoint, timeoutMs: number): Promise<ProbeResult> {
  return probeWithin(ctx, timeoutMs, ({ signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>()
    const where = 'path' in endpoint ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port }
    const socket = connect({ ...where, signal })
    socket.on('connect', () => {
      resolve({ healthy: true, why: 'it takes connections', output: '' })
      socket.destroy()
    })
    socket.on('error', reject)
    return promise
  })
}
