import type { Context } from '../base/context.ts'
import { nextIndex, type QueryOptions, queryCall } from './blocking-query.ts'
import type { Consul } from './consul.ts'
import { isIndex, isObject, isSessionId } from './fields.ts'
import type { WireReply } from './wire.ts'

/** A key as Consul keeps it. Flags are 64 bits wide: a JavaScript number would lose digits. */
export interface Entry {
  readonly key: string
  readonly value: string
  readonly flags: bigint
  /** The session that holds it. */
  readonly session: string | undefined
  /** How often it was locked since it was last written without a lock; 0: it is no lock. */
  readonly lockIndex: number
  /** The raft index at which it came into being, since it was last deleted. */
  readonly createIndex: number
  readonly modifyIndex: number
}

/**
 * What stands at a key, and the index to wait from; https://developer.hashicorp.com/consul/api-docs/features/blocking
 */
export interface KeyReading {
  readonly entry: Entry | undefined
  readonly index: number
}

export interface ReadOptions extends QueryOptions {
  /** What a refusal says the token should be allowed: `write` by default, for most who read a key write it next. */
  readonly rights?: 'read' | 'write'
}

/** Reads a key, at once or when it changes (or `waitMs` ran out: a return doesn't mean a change). */
export async function readKey(
  ctx: Context,
  consul: Consul,
  key: string,
  options: ReadOptions = {},
): Promise<KeyReading> {
  const reply = await get(ctx, consul, key, options)
  const next = nextIndex(consul, reply, options)
  if (reply.status === 404) return { entry: undefined, index: next }
  const [entry] = entriesIn(consul, consul.json(withBigFlags(reply)))
  if (entry?.key !== key) throw consul.protocolError('a key without its entry')
  return { entry, index: next }
}

/** All keys that begin with a prefix, in the order of their names, and the index to wait from. */
export interface KeysReading {
  readonly entries: Entry[]
  readonly index: number
}

/** Reads all keys that begin with a prefix, in the order of their names. */
export async function readKeys(
  ctx: Context,
  consul: Consul,
  prefix: string,
  options: ReadOptions = {},
): Promise<Entry[]> {
  return (await watchKeys(ctx, consul, prefix, options)).entries
}

/** Reads them at once, or when one of them changes (or `waitMs` ran out: a return doesn't mean a change). */
export async function watchKeys(
  ctx: Context,
  consul: Consul,
  prefix: string,
  options: ReadOptions = {},
): Promise<KeysReading> {
  const reply = await get(ctx, consul, prefix, { ...options, recurse: true })
  const entries = reply.status === 404 ? [] : entriesIn(consul, consul.json(withBigFlags(reply)))
  if (!entries.every((entry) => entry.key.startsWith(prefix)))
    throw consul.protocolError('keys that were not asked for')
  return { entries, index: nextIndex(consul, reply, options) }
}

async function get(
  ctx: Context,
  consul: Consul,
  key: string,
  { rights = 'write', recurse = false, ...options }: ReadOptions & { recurse?: boolean },
): Promise<WireReply> {
  const { query, timeoutMs, longPoll } = queryCall(options)
  return consul.call(ctx, {
    method: 'GET',
    path: `/v1/kv/${encodeKey(key)}`,
    query: { ...(recurse ? { recurse } : {}), ...query },
    timeoutMs,
    longPoll,
    expects: [404],
    needs: `${recurse ? 'key_prefix' : 'key'} "${key}" { policy = "${rights}" }`,
  })
}

/** Path segments encoded one by one: a slash in a key is a folder. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

/** `JSON.parse` rounds 64-bit flags; as strings they survive. */
export function withBigFlags<T extends { text: string }>(reply: T): T {
  return { ...reply, text: reply.text.replace(/"Flags":\s*(\d+)/g, '"Flags":"$1"') }
}

interface WireEntry {
  readonly Key: string
  readonly Value?: string | null
  readonly Flags: string
  readonly Session?: string
  readonly LockIndex: number
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

/** The entries in a JSON whose flags are quoted. Throws a `not-consul` failure when it is anything else. */
export function entriesIn(consul: Consul, json: unknown): Entry[] {
  if (!Array.isArray(json) || !json.every(isEntry)) throw consul.protocolError('no entries of keys')
  return json.map(readEntry)
}

function isEntry(json: unknown): json is WireEntry {
  if (!isObject(json)) return false
  const { Key, Value = null, Flags, Session = '', LockIndex, CreateIndex, ModifyIndex } = json
  return (
    typeof Key === 'string' &&
    (Value === null || typeof Value === 'string') &&
    typeof Flags === 'string' &&
    /^\d{1,20}$/.test(Flags) &&
    (Session === '' || isSessionId(Session)) &&
    isIndex(LockIndex) &&
    isIndex(CreateIndex) &&
    isIndex(ModifyIndex)
  )
}

function readEntry(wire: WireEntry): Entry {
  return {
    key: wire.Key,
    value: Buffer.from(wire.Value ?? '', 'base64').toString('utf8'),
    flags: BigInt(wire.Flags),
    session: wire.Session || undefined,
    lockIndex: wire.LockIndex,
    createIndex: wire.CreateIndex,
    modifyIndex: wire.ModifyIndex,
  }
}
