import { methodNotAllowed, textAnswer } from '../answers.ts'
import type { WriteTxn } from '../kv/kv-verbs.ts'
import type { AgentAnswer, AgentRequest, Proposal } from '../request.ts'
import type { Server } from '../server.ts'
import { parseOps } from './txn-body.ts'
import { applyOp, NOTHING, type TxnKvOp, type TxnKvResult } from './txn-kv-op.ts'

const MAX_OPS = 64
const MAX_BYTES = 524_288
const WRITES = new Set(['set', 'cas', 'lock', 'unlock', 'delete', 'delete-tree', 'delete-cas'])

/**
 * `/v1/txn` (agent/txn_endpoint.go, agent/consul/state/txn.go): all operations or none. The leader looks at a
 * lock-delay before it proposes a write, and not again when that is committed.
 */
export function txnEndpoint(server: Server, request: AgentRequest): AgentAnswer | Proposal {
  if (request.method !== 'PUT') return methodNotAllowed(request.method, 'PUT')
  if (Buffer.byteLength(request.body) > MAX_BYTES)
    return textAnswer(413, `Request body too large, max size: ${MAX_BYTES} bytes`)
  const ops = parseOps(request.body.toString())
  if (typeof ops === 'string') return textAnswer(400, `Failed to parse body: ${ops}`)
  if (ops.length > MAX_OPS) {
    return textAnswer(413, `Transaction contains too many operations (${ops.length} > ${MAX_OPS})`)
  }
  const writes = ops.some((op) => WRITES.has(op.verb))
  const early = collect(ops.map((op) => preCheck(server, op)))
  if ('errors' in early) return reply(early, writes)
  if (!writes) return reply(run(ops, server.state.reader()), false)
  return { commit: () => write(server, ops) }
}

function write(server: Server, ops: readonly TxnKvOp[]): AgentAnswer {
  let outcome: Collected = { results: '' }
  server.write((tx) => {
    outcome = run(ops, tx)
    return !('errors' in outcome)
  })
  return reply(outcome, true)
}

type Collected = { readonly results: string } | { readonly errors: string }

/** Operations after a failed one are done, too: each tells its own error. */
function run(ops: readonly TxnKvOp[], tx: WriteTxn): Collected {
  return collect(ops.map((op) => applyOp(op, tx)))
}

function collect(outcomes: readonly TxnKvResult[]): Collected {
  const errors: string[] = []
  const results: string[] = []
  outcomes.forEach((outcome, at) => {
    if ('fault' in outcome) errors.push(`{"OpIndex":${at},"What":${JSON.stringify(outcome.fault)}}`)
    else for (const result of outcome.results) results.push(`{"KV":${result}}`)
  })
  return errors.length > 0 ? { errors: errors.join() } : { results: results.join() }
}

function reply(outcome: Collected, writes: boolean): AgentAnswer {
  const failed = 'errors' in outcome
  const body = failed ? `"Results":null,"Errors":[${outcome.errors}]` : `"Results":[${outcome.results}],"Errors":null`
  const meta = writes ? '' : ',"Index":0,"LastContact":0,"KnownLeader":true,"ConsistencyLevel":""'
  const headers = { 'content-type': 'application/json' }
  return { reply: { status: failed ? 409 : 200, headers, text: `{${body}${meta}}` } }
}

/** What the leader looks at before anything goes to the log (agent/consul/kvs_endpoint.go, kvsPreApply). */
function preCheck(server: Server, { verb, draft: { key } }: TxnKvOp): TxnKvResult {
  if (key === '' && verb !== 'delete-tree') return { fault: 'Must provide key' }
  if (verb === 'lock' && server.state.isInLockDelay(key))
    return { fault: `failed to lock key ${JSON.stringify(key)} due to lock delay` }
  return NOTHING
}
