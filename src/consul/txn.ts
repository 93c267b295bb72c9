import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'
import { isIndex, isObject } from './fields.ts'
import { type Entry, entriesIn, withBigFlags } from './kv.ts'
import { isDenied } from './trouble.ts'
import type { Call } from './wire.ts'

type Verb =
  | 'get'
  | 'set'
  | 'cas'
  | 'lock'
  | 'unlock'
  | 'delete'
  | 'delete-cas'
  | 'check-index'
  | 'check-session'
  | 'check-not-exists'

/** One step of a transaction; https://developer.hashicorp.com/consul/api-docs/txn */
export interface KvStep {
  readonly verb: Verb
  readonly key: string
  readonly value?: string
  readonly flags?: bigint
  readonly session?: string
  readonly index?: number
}

/** All steps were done, with the entries they left; or none was, for reasons that each belong to one of the steps. */
export type TxnOutcome =
  | { readonly done: true; readonly entries: readonly Entry[] }
  | { readonly done: false; readonly reasons: readonly string[]; readonly failed: readonly KvStep[] }

/** Does all steps or none. `readsOnly` transactions don't go through raft. */
export async function transact(ctx: Context, consul: Consul, steps: readonly KvStep[]): Promise<TxnOutcome> {
  const { namespace, partition } = consul.settings
  const scope = { ...(namespace ? { Namespace: namespace } : {}), ...(partition ? { Partition: partition } : {}) }
  const call: Call = {
    method: 'PUT',
    path: '/v1/txn',
    body: `[${steps.map((step) => `{"KV":${encodeStep(step, scope)}}`).join(',')}]`,
    timeoutMs: ATTEMPT_MS,
    expects: [409],
    needs: needsOf(steps[0]),
  }
  const reply = await consul.call(ctx, call)
  const answer = consul.json(withBigFlags(reply))
  if (reply.status === 409) {
    const errors = errorsIn(consul, answer)
    const denial = errors.find((error) => isDenied(error.What))
    if (denial) throw await consul.denial(ctx, { ...call, needs: needsOf(steps[denial.OpIndex]) }, denial.What)
    const failed = errors.flatMap((error) => steps[error.OpIndex] ?? [])
    return { done: false, reasons: errors.map((error) => error.What), failed }
  }
  if (!isObject(answer) || !Array.isArray(answer.Results)) throw consul.strange('a transaction without results')
  consul.heard = true
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
    throw consul.strange('a transaction undone without errors')
  }
  return errors
}

function isError(json: unknown): json is WireError {
  return isObject(json) && isIndex(json.OpIndex) && typeof json.What === 'string'
}

function needsOf(step: KvStep | undefined): string {
  return `key_prefix "${step?.key ?? ''}" { policy = "write" }`
}

/** The flags are written digit by digit: a JavaScript number would round them. */
function encodeStep(step: KvStep, scope: Record<string, string>): string {
  const json = JSON.stringify({
    Verb: step.verb,
    Key: step.key,
    ...(step.value === undefined ? {} : { Value: Buffer.from(step.value).toString('base64') }),
    ...(step.session === undefined ? {} : { Session: step.session }),
    ...(step.index === undefined ? {} : { Index: step.index }),
    ...scope,
  })
  return step.flags === undefined ? json : `${json.slice(0, -1)},"Flags":${step.flags}}`
}
