import type { Ledger } from './kv-verbs.ts'
import { methodNotAllowed, words } from './reply.ts'
import type { AgentRequest, Answer, Proposal } from './request.ts'
import type { Server } from './server.ts'
import { parseSteps } from './txn-body.ts'
import { doStep, NOTHING, type Outcome, type Step } from './txn-step.ts'

const MAX_STEPS = 64
const MAX_BYTES = 524_288
const WRITES = new Set(['set', 'cas', 'lock', 'unlock', 'delete', 'delete-tree', 'delete-cas'])

/**
 * `/v1/txn` (agent/txn_endpoint.go, agent/consul/state/txn.go): all steps or none. The leader looks at a lock-delay
 * before it proposes a write, and not again when that is committed.
 */
export function txnEndpoint(server: Server, request: AgentRequest): Answer | Proposal {
  if (request.method !== 'PUT') return methodNotAllowed(request.method, 'PUT')
  if (Buffer.byteLength(request.body) > MAX_BYTES)
    return words(413, `Request body too large, max size: ${MAX_BYTES} bytes`)
  const steps = parseSteps(request.body)
  if (typeof steps === 'string') return words(400, `Failed to parse body: ${steps}`)
  if (steps.length > MAX_STEPS) {
    return words(413, `Transaction contains too many operations (${steps.length} > ${MAX_STEPS})`)
  }
  const writes = steps.some((step) => WRITES.has(step.verb))
  const early = collect(steps.map((step) => preCheck(server, step)))
  if ('errors' in early) return reply(early, writes)
  if (!writes) return reply(run(steps, server.state.reader()), false)
  return { commit: () => write(server, steps) }
}

function write(server: Server, steps: readonly Step[]): Answer {
  let outcome: Collected = { results: '' }
  server.write((ledger) => {
    outcome = run(steps, ledger)
    return !('errors' in outcome)
  })
  return reply(outcome, true)
}

type Collected = { readonly results: string } | { readonly errors: string }

/** Steps after a failed one are done, too: each tells its own error. */
function run(steps: readonly Step[], ledger: Ledger): Collected {
  return collect(steps.map((step) => doStep(step, ledger)))
}

function collect(outcomes: readonly Outcome[]): Collected {
  const errors: string[] = []
  const results: string[] = []
  outcomes.forEach((outcome, at) => {
    if ('fault' in outcome) errors.push(`{"OpIndex":${at},"What":${JSON.stringify(outcome.fault)}}`)
    else for (const result of outcome.results) results.push(`{"KV":${result}}`)
  })
  return errors.length > 0 ? { errors: errors.join() } : { results: results.join() }
}

function reply(outcome: Collected, writes: boolean): Answer {
  const failed = 'errors' in outcome
  const body = failed ? `"Results":null,"Errors":[${outcome.errors}]` : `"Results":[${outcome.results}],"Errors":null`
  const meta = writes ? '' : ',"Index":0,"LastContact":0,"KnownLeader":true,"ConsistencyLevel":""'
  const headers = { 'content-type': 'application/json' }
  return { reply: { status: failed ? 409 : 200, headers, text: `{${body}${meta}}` } }
}

/** What the leader looks at before anything goes to the log (agent/consul/kvs_endpoint.go, kvsPreApply). */
function preCheck(server: Server, { verb, draft: { key } }: Step): Outcome {
  if (key === '' && verb !== 'delete-tree') return { fault: 'Must provide key' }
  if (verb === 'lock' && server.state.isClosed(key))
    return { fault: `failed to lock key ${JSON.stringify(key)} due to lock delay` }
  return NOTHING
}
