import { isObject } from '../../consul/fields.ts'
import { Refusal } from '../refusal.ts'
import type { TxnKvOp } from './txn-kv-op.ts'

/** A KV operation as it comes: anybody's JSON. */
type WireKv = Readonly<Record<string, unknown>>

const FIELDS: ReadonlySet<string> = new Set(['Verb', 'Key', 'Value', 'Flags', 'Session', 'Index'])

/** Operations of Consul's that aren't here; what is none at all is passed over, as Consul does. */
const ABSENT = ['Node', 'Service', 'Check']

/** The operations of a body, or why it can't be read. Throws a `Refusal` for what isn't here. */
export function parseOps(body: string): TxnKvOp[] | string {
  let wire: unknown
  try {
    // JSON.parse would round 64-bit flags.
    wire = JSON.parse(body.replace(/"Flags":\s*(\d+)/gi, '"Flags":"$1"'))
  } catch {
    return 'invalid character'
  }
  if (!Array.isArray(wire)) return 'json: cannot unmarshal into Go value of type structs.TxnOps'
  const ops: TxnKvOp[] = []
  for (const step of wire) {
    const kv = isObject(step) ? kvIn(step) : undefined
    if (kv === undefined) continue
    const op = opIn(kv)
    if (typeof op === 'string') return op
    ops.push(op)
  }
  return ops
}

function kvIn(step: WireKv): WireKv | undefined {
  const kv = step.KV ?? Object.entries(step).find(([name]) => name.toLowerCase() === 'kv')?.[1]
  if (isObject(kv)) return named(kv)
  const absent = ABSENT.find((name) => isObject(step[name]))
  if (absent !== undefined) throw new Refusal(501, `consul-locker dev has no ${absent} operations in transactions`)
  return undefined
}

/** With the fields' names as Consul documents them; Go's decoder doesn't mind capitals. */
function named(kv: WireKv): WireKv {
  if (Object.keys(kv).every((name) => FIELDS.has(name))) return kv
  const entries = Object.entries(kv).map(([name, value]) => {
    return [[...FIELDS].find((field) => field.toLowerCase() === name.toLowerCase()) ?? name, value] as const
  })
  return Object.fromEntries(entries)
}

function opIn({ Verb, Key, Value, Flags, Session, Index }: WireKv): TxnKvOp | string {
  const [verb, key, value, session] = [Verb ?? '', Key ?? '', Value ?? '', Session ?? '']
  const [flags, index] = [Flags ?? 0, Index ?? 0]
  if (![verb, key, value, session].every((text) => typeof text === 'string'))
    return 'json: cannot unmarshal into a string'
  if (!isWhole(flags) || !isWhole(index)) return 'json: cannot unmarshal into a number'
  const bad = badBase64(value as string)
  if (bad >= 0) return `illegal base64 data at input byte ${bad}`
  const draft = { key: key as string, value: value as string, flags: BigInt(flags) }
  return { verb: verb as string, draft, session: session as string, index: Number(index) }
}

function isWhole(value: unknown): value is string | number {
  return typeof value === 'string' ? /^\d+$/.test(value) : Number.isSafeInteger(value) && (value as number) >= 0
}

/** Where base64 stops being that; -1 when all is well. */
function badBase64(text: string): number {
  const good = /^[A-Za-z0-9+/]*={0,2}/.exec(text)?.[0].length ?? 0
  if (good < text.length) return good
  return text.length % 4 === 0 ? -1 : text.length
}
