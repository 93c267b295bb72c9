import type { ClientRequest, IncomingMessage } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { Context } from '../base/context.ts'
import { OPEN, shut, type Verdict } from './gate.ts'

/** Asks a URL once, and looks at the status alone. Rejects with what the connection failed of. */
export async function probeUrl(ctx: Context, url: string): Promise<Verdict> {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
  const request = await getOf(url)
  const options = { signal: ctx.signal, agent: false, headers: { 'user-agent': 'consul-locker' } } as const
  const outgoing = request(url, options, (answer) => {
    const status = answer.statusCode ?? 0
    resolve(status >= 200 && status <= 299 ? OPEN : shut(`it answers ${status}`))
    answer.destroy()
  })
  outgoing.on('error', reject).end()
  return promise
}

type Get = (url: string, options: RequestOptions, answered: (answer: IncomingMessage) => void) => ClientRequest

/** The whole modules: the executable is bundled with stand-ins for them, which are all that a run needs. */
async function getOf(url: string): Promise<Get> {
  if (url.startsWith('http:')) return process.getBuiltinModule('node:http').request
  const { getCACertificates } = process.getBuiltinModule('node:tls')
  const ca = [...getCACertificates('default'), ...getCACertificates('system')]
  const { request } = process.getBuiltinModule('node:https')
  return (url, options, answered) => request(url, { ...options, ca }, answered)
}
