import { printable } from '../../base/printable.ts'
import { PROMETHEUS_TYPE } from '../../base/prometheus.ts'
import type { ListenerRequest, ListenerResponse } from '../../listen/answer-request.ts'
import { isBeyond, type LagBound, parseLagBound } from '../application/lag.ts'
import type { AgentStatus } from './agent-status.ts'
import { agentMetrics } from './metrics.ts'

type Verdict = (status: AgentStatus, most: LagBound | undefined) => boolean

const isMaster: Verdict = ({ role }) => role === 'master'
/** With a bound, one of which nobody knows how far it is behind is none. */
const isReplica: Verdict = (status, most) =>
  status.role === 'slave' && (most === undefined || isBeyond(status, most) === false)

/**
 * What answers 200 or 503, with the role. The names and their meanings are Patroni's (docs/rest_api.rst), but for
 * `/master` and `/replica`, which were here first and mean the same.
 */
const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  ['/master', isMaster],
  ['/primary', isMaster],
  ['/leader', ({ lock }) => lock === 'held'],
  ['/replica', isReplica],
  ['/read-only', (status, most) => isMaster(status, most) || isReplica(status, most)],
  ['/readiness', (status, most) => isMaster(status, most) || status.healthy],
])

/** Answers a request from what is known of the agent; `undefined`: it is starting. */
export function answerTo(
  asked: Pick<ListenerRequest, 'method' | 'path' | 'query'>,
  status: AgentStatus | undefined,
): ListenerResponse {
  const { method, path, query } = asked
  // HAProxy asks with OPTIONS unless it is told otherwise.
  if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) return json(405, 'Only GET, HEAD and OPTIONS are understood')
  if (path === '/agent') return json(200, 'here')
  if (path === '/liveness') return status?.alive === false ? json(503, 'The agent hangs') : json(200, 'here')
  if (!status) return json(503, 'The agent is starting')
  if (path === '/health' || path.startsWith('/health/')) return json(status.healthy ? 200 : 500, status.message)
  const verdict = VERDICTS.get(path)
  if (verdict) return judged(verdict, status, query.get('lag'))
  if (path === '/role') return json(200, status.role)
  if (path === '/status') return json(200, status)
  if (path === '/metrics') return { status: 200, type: PROMETHEUS_TYPE, text: agentMetrics(status) }
  return json(404, 'Unsupported endpoint')
}

function judged(verdict: Verdict, status: AgentStatus, lag: string | null): ListenerResponse {
  const most = lag === null ? undefined : parseLagBound(lag)
  if (lag !== null && most === undefined) return json(400, 'lag: expected 10s, or 1048576, or 16MB')
  return json(verdict(status, most) ? 200 : 503, status.role)
}

function json(status: number, value: unknown): ListenerResponse {
  return { status, type: 'application/json', text: `${printable(JSON.stringify(value))}\n` }
}
