import { connect } from 'node:net'
import { unlessAborted } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import { reasonOf } from '../../base/failure.ts'
import type { Address } from '../../consul/address.ts'
import { isUnknownToken } from '../../consul/reply-failure.ts'
import { breaks, breaksBy, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { ASKING_MS, QUICK_MS } from '../inspection-timeouts.ts'

/** Options, environment and files make sense. */
export const settingsInspection: Inspection = {
  code: 'CL101',
  topic: 'Consul',
  title: 'settings',
  needs: [],
  asksConsul: false,
  look(_ctx, { reach }) {
    if ('failure' in reach) return breaksBy(reach.failure)
    const { settings, addressFrom } = reach
    const [worry] = settings.warnings
    const said = `the address is ${settings.address.text} (${addressFrom})`
    return worry === undefined ? fine(said) : warning(`${said}; ${worry}`, 'see docs/rights.md for tokens of their own')
  },
}

/** Something listens there. */
export const listeningInspection: Inspection = {
  code: 'CL102',
  topic: 'Consul',
  title: 'listens',
  needs: ['CL101'],
  asksConsul: true,
  async look(ctx, { settings: { address }, reach }) {
    const from = 'addressFrom' in reach ? reach.addressFrom : ''
    const trouble = await troubleConnecting(ctx, address)
    if (trouble === undefined) return fine(`something listens at ${address.text}`)
    return breaks(
      `nothing can be reached at ${address.text}: ${trouble}`,
      `is the agent running, and is that its address? It is ${from}`,
    )
  },
}

async function troubleConnecting(ctx: Context, address: Address): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = connect(destination(address))
  socket.once('connect', () => resolve(undefined))
  socket.once('error', (error) => resolve(reasonOf(error)))
  const cancel = ctx.clock.after(QUICK_MS, () => resolve(`no answer within ${formatDuration(QUICK_MS)}`))
  try {
    return await unlessAborted(ctx.signal, promise)
  } finally {
    cancel()
    socket.destroy()
  }
}

/** Where `net.connect` and `tls.connect` find it. */
export function destination({ origin, socketPath }: Address): { path: string } | { host: string; port: number } {
  if (socketPath !== undefined) return { path: socketPath }
  const { hostname, port, protocol } = new URL(origin)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
}

/** What listens there is Consul. */
export const answeringInspection: Inspection = {
  code: 'CL103',
  topic: 'Consul',
  title: 'answers',
  needs: ['CL102', 'CL201', 'CL202', 'CL203'],
  asksConsul: true,
  async look(ctx, { answers, settings }) {
    await answers.leader(ctx)
    return fine(`Consul answers at ${settings.address.text}`)
  },
}

/** Its servers have a leader. */
export const leaderInspection: Inspection = {
  code: 'CL104',
  topic: 'Consul',
  title: 'leader',
  needs: ['CL103'],
  asksConsul: true,
  async look(ctx, { answers }) {
    const answer = await answers.leader(ctx)
    if ('address' in answer) return fine(`its servers have a leader, ${answer.address}`)
    return judgeNoLeader(answer.trouble)
  },
}

export function judgeNoLeader(trouble: string): Diagnosis {
  if (/No known Consul servers/i.test(trouble)) {
    return breaks(
      `the agent knows no server: ${trouble}`,
      'is retry_join right, and do its servers run? See consul members, and the log of the agent',
    )
  }
  return breaks(
    `the servers have no leader: ${trouble}`,
    'more than half of the servers must run and reach each other (consul operator raft list-peers -stale)',
  )
}

/** Consul knows the token. */
export const tokenInspection: Inspection = {
  code: 'CL105',
  topic: 'Consul',
  title: 'token',
  needs: ['CL104'],
  asksConsul: true,
  async look(ctx, { consul, settings }) {
    const path = '/v1/kv/consul-locker'
    const { status, text } = await consul.exchange(ctx, { method: 'GET', path, timeoutMs: ASKING_MS, needs: '' })
    if (status === 403 && isUnknownToken(text)) {
      const from = settings.tokenFile === undefined ? '' : ` in ${settings.tokenFile}`
      return breaks(
        `Consul doesn't know the token${from}: ${text.trim()}`,
        'was it deleted, or is it of another cluster? See --token-file, --token and CONSUL_HTTP_TOKEN',
      )
    }
    return fine(settings.token === undefined ? 'no token is given, and Consul answers' : 'Consul takes the token')
  },
}
