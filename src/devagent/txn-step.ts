import type { Draft, KvEntry } from './kv-entry.ts'
import * as verbs from './kv-verbs.ts'

/** One step, read. */
export interface Step {
  readonly verb: string
  readonly draft: Draft
  readonly session: string
  readonly index: number
}

/** What a step leaves in the results, as JSON; or why it can't be done, in Consul's words. */
export type Outcome = { readonly results: readonly string[] } | { readonly fault: string }

export const NOTHING: Outcome = { results: [] }

/** Does one step (agent/consul/state/txn.go, txnKVS). */
export function doStep(step: Step, ledger: verbs.Ledger): Outcome {
  const { verb, draft, session, index } = step
  const { key } = draft
  const found = ledger.kv.get(key)
  const after = () => entryOf(ledger.kv.get(key))
  const checked = (verdict: verbs.Verdict, otherwise: string): Outcome | undefined => {
    if (verdict === true) return undefined
    return { fault: verdict || otherwise }
  }
  switch (verb) {
    case 'set':
      verbs.set(ledger, draft)
      return after()
    case 'cas':
      return checked(verbs.cas(ledger, draft, index), `failed to set key ${quote(key)}, index is stale`) ?? after()
    case 'lock': {
      const held = `failed to lock key ${quote(key)}, lock is already held`
      return checked(verbs.lock(ledger, draft, session), held) ?? after()
    }
    case 'unlock': {
      const foreign = `failed to unlock key ${quote(key)}, lock isn't held, or is held by another session`
      return checked(verbs.unlock(ledger, draft, session), foreign) ?? after()
    }
    case 'delete':
      ledger.kv.delete(ledger.index, key)
      return NOTHING
    case 'delete-tree':
      verbs.deleteTree(ledger, key)
      return NOTHING
    case 'delete-cas':
      return (
        checked(verbs.deleteCas(ledger, key, index), `failed to delete key ${quote(key)}, index is stale`) ?? NOTHING
      )
    case 'get':
      return found ? { results: [found.json()] } : { fault: `key ${quote(key)} doesn't exist` }
    case 'get-tree':
      return { results: ledger.kv.below(key).map((entry) => entry.json()) }
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

function entryOf(entry: KvEntry | undefined): Outcome {
  return entry ? { results: [entry.jsonWithoutValue()] } : NOTHING
}

function quote(text: string): string {
  return JSON.stringify(text)
}
