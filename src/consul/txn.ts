import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isIndex, isObject } from './fields.ts'
import { type Entry, entriesIn, withBigFlags } from './kv.ts'
import { isDenied, isUnknownToken } from './reply-failure.ts'
import type { ApiCall } from './wire.ts'

type Verb =
  | 'get'
  | 'get-tree'
  | 'set'
  | 'cas'
  | 'lock'
  | 'unlock'
  | 'delete'
  | 'delete-cas'
  | 'check-index'
  | 'check-session'
  | 'check-not-exists'

/** One operation of a transaction; https://developer.hashicorp.com/consul/api-docs/txn */
export interface TxnOp {
  readonly verb: Verb
  readonly key: string
  readonly value?: string
  readonly flags?: bigint
  readonly session?: string
  readonly index?: number
  /** That the token may not do it is no failure. */
  readonly isDispensable?: boolean
}

/**
 * All operations were done, with the entries they left or read; or none was, for reasons that each belong to one of
 * them.
 */
export type TxnOutcome = { readonly done: true; readonly entries: readonly Entry[] } | Undone

interface Undone {
  readonly done: false
  readonly reasons: readonly string[]
  readonly failed: readonly (TxnOp | undefined)[]
  /** Those that the token may not do, if all of them are dispensable; then nothing is known of the others. */
  readonly denied: readonly TxnOp[]
}

/**
 * Does all operations or none. Rejects with a `refused` failure when the token may not do one that isn't dispensable.
 */
export async function transact(ctx: Context, consul: Consul, ops: readonly TxnOp[]): Promise<TxnOutcome> {
  const { namespace, partition } = consul.settings
  const scope = { ...(namespace ? { Namespace: namespace } : {}), ...(partition ? { Partition: partition } : {}) }
  const call: ApiCall = {
    method: 'PUT',
    path: '/v1/txn',
    body: `[${ops.map((op) => `{"KV":${encodeStep(op, scope)}}`).join(',')}]`,
    timeoutMs: REQUEST_TIMEOUT_MS,
    expects: [409],
    needs: needsOf(ops[0]),
  }
  const reply = await consul.call(ctx, call)
  const answer = consul.json(withBigFlags(reply))
  if (reply.status === 409) {
    const errors = errorsIn(consul, answer)
    const denials = errors.filter((error) => isDenied(error.What))
    const denial = denials.find(({ OpIndex, What }) => isUnknownToken(What) || !ops[OpIndex]?.isDispensable)
    if (denial) throw await consul.denial(ctx, { ...call, needs: needsOf(ops[denial.OpIndex]) }, denial.What)
    return {
      done: false,
      reasons: errors.map((error) => error.What),
      failed: errors.map((error) => ops[error.OpIndex]),
      denied: denials.flatMap((error) => ops[error.OpIndex] ?? []),
    }
  }
  if (!isObject(answer) || !Array.isArray(answer.Results)) throw consul.protocolError('a transaction without results')
  consul.confirmed = true
  const kvs = answer.Results.map((result: unknown) => (isObject(result) ? result.KV : undefined))
  return { done: true, entries: entriesIn(consul, kvs) }
}

interface WireError {
  readonly OpIndex: number
  readonly What: string
}

function errorsIn(consul: Consul, answer: unknown): readonly WireError[] {
  const errors = isObject(answer) ? answer.Errors : undefined
  if (!Array.isArray(errors) || errors.length === 0 || !errors.every(isError)) {
    throw consul.protocolError('a transaction undone without errors')
  }
  return errors
}

function isError(json: unknown): json is WireError {
  return isObject(json) && isIndex(json.OpIndex) && typeof json.What === 'string'
}

function needsOf(op: TxnOp | undefined): string {
  return `key_prefix "${op?.key ?? ''}" { policy = "write" }`
}

/** The flags are written digit by digit: a JavaScript number would round them. */
function encodeStep(op: TxnOp, scope: Record<string, string>): string {
  const json = JSON.stringify({
    Verb: op.verb,
    Key: op.key,
    ...(op.value === undefined ? {} : { Value: Buffer.from(op.value).toString('base64') }),
    ...(op.session === undefined ? {} : { Session: op.session }),
    ...(op.index === undefined ? {} : { Index: op.index }),
    ...scope,
  })
  return op.flags === undefined ? json : `${json.slice(0, -1)},"Flags":${op.flags}}`
}
