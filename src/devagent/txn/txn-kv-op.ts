import type { Draft, KvEntry } from '../kv/kv-entry.ts'
import * as verbs from '../kv/kv-verbs.ts'

/** One operation of a transaction, read. */
export interface TxnKvOp {
  readonly verb: string
  readonly draft: Draft
  readonly session: string
  readonly index: number
}

/** What an operation leaves in the results, as JSON; or why it can't be done, in Consul's words. */
export type TxnKvResult = { readonly results: readonly string[] } | { readonly fault: string }

export const NOTHING: TxnKvResult = { results: [] }

/** Does one operation (agent/consul/state/txn.go, txnKVS). */
export function applyOp(op: TxnKvOp, tx: verbs.WriteTxn): TxnKvResult {
  const { verb, draft, session, index } = op
  const { key } = draft
  const found = tx.kv.get(key)
  const after = () => entryOf(tx.kv.get(key))
  const checked = (result: verbs.VerbResult, otherwise: string): TxnKvResult | undefined => {
    if (result === true) return undefined
    return { fault: result || otherwise }
  }
  switch (verb) {
    case 'set':
      verbs.set(tx, draft)
      return after()
    case 'cas':
      return checked(verbs.cas(tx, draft, index), `failed to set key ${quote(key)}, index is stale`) ?? after()
    case 'lock': {
      const held = `failed to lock key ${quote(key)}, lock is already held`
      return checked(verbs.lock(tx, draft, session), held) ?? after()
    }
    case 'unlock': {
      const foreign = `failed to unlock key ${quote(key)}, lock isn't held, or is held by another session`
      return checked(verbs.unlock(tx, draft, session), foreign) ?? after()
    }
    case 'delete':
      tx.kv.delete(tx.index, key)
      return NOTHING
    case 'delete-tree':
      verbs.deleteTree(tx, key)
      return NOTHING
    case 'delete-cas':
      return checked(verbs.deleteCas(tx, key, index), `failed to delete key ${quote(key)}, index is stale`) ?? NOTHING
    case 'get':
      return found ? { results: [found.json()] } : { fault: `key ${quote(key)} doesn't exist` }
    case 'get-tree':
      return { results: tx.kv.below(key).map((entry) => entry.json()) }
    case 'check-not-exists':
      return found ? { fault: `key ${quote(key)} exists` } : NOTHING
    case 'check-session':
      if (!found) return { fault: `failed to check session, key ${quote(key)} doesn't exist` }
      if (found.session === session) return entryOf(found)
      return {
        fault: `failed session check for key ${quote(key)}, current session ${quote(found.session)} != ${quote(session)}`,
      }
    case 'check-index':
      if (!found) return { fault: `failed to check index, key ${quote(key)} doesn't exist` }
      if (found.modifyIndex === index) return entryOf(found)
      return {
        fault: `failed index check for key ${quote(key)}, current modify index ${found.modifyIndex} != ${index}`,
      }
    default:
      return { fault: `unknown KV verb ${quote(verb)}` }
  }
}

function entryOf(entry: KvEntry | undefined): TxnKvResult {
  return entry ? { results: [entry.jsonWithoutValue()] } : NOTHING
}

function quote(text: string): string {
  return JSON.stringify(text)
}
