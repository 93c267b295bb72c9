import { connect } from 'node:net'
import type { Context } from '../base/context.ts'
import type { HostPort } from '../base/host-port.ts'
import { type Finding, findingOf } from './finding.ts'

/** Connects once; healthy when something takes connections there. Rejects only with the signal's reason. */
export function probePort(ctx: Context, { host, port }: HostPort, timeoutMs: number): Promise<Finding> {
  return findingOf(ctx, timeoutMs, ({ signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Finding>()
    const socket = connect({ host, port, signal })
    socket.on('connect', () => {
      resolve({ healthy: true, why: 'it takes connections', said: '' })
      socket.destroy()
    })
    socket.on('error', reject)
    return promise
  })
}
