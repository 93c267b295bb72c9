import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'
import { type Entry, readEntry, withBigFlags } from './kv.ts'

/** One step of a transaction; https://developer.hashicorp.com/consul/api-docs/txn */
export interface KvStep {
  readonly verb: 'lock' | 'unlock' | 'set' | 'cas' | 'delete' | 'check-session' | 'check-index' | 'get'
  readonly key: string
  readonly value?: string
  readonly flags?: bigint
  readonly session?: string
  readonly index?: number
}

/** All steps were done, with the entries they left; or none was, for the reasons given. */
export type TxnOutcome =
  | { readonly done: true; readonly entries: readonly Entry[] }
  | { readonly done: false; readonly reasons: readonly string[] }

/** Does all steps or none. `readsOnly` transactions don't go through raft. */
export async function transact(ctx: Context, consul: Consul, steps: readonly KvStep[]): Promise<TxnOutcome> {
  const { namespace, partition } = consul.settings
  const scope = { ...(namespace ? { Namespace: namespace } : {}), ...(partition ? { Partition: partition } : {}) }
  const reply = await consul.call(ctx, {
    method: 'PUT',
    path: '/v1/txn',
    body: `[${steps.map((step) => `{"KV":${encodeStep(step, scope)}}`).join(',')}]`,
    timeoutMs: ATTEMPT_MS,
    expects: [409],
    needs: steps.map((step) => `key_prefix "${step.key}" { policy = "write" }`)[0] ?? '',
  })
  const answer = consul.json(withBigFlags(reply)) as WireAnswer | null
  if (reply.status === 409) return { done: false, reasons: (answer?.Errors ?? []).map((error) => error.What) }
  if (!Array.isArray(answer?.Results)) throw consul.strange('a transaction without results')
  return { done: true, entries: answer.Results.map((result) => readEntry(result.KV)) }
}

interface WireAnswer {
  readonly Results?: { KV: Parameters<typeof readEntry>[0] }[]
  readonly Errors?: { What: string }[] | null
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
