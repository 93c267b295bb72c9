import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'

/** A key as Consul keeps it. Flags are 64 bits wide: a JavaScript number would lose digits. */
export interface Entry {
  readonly value: string
  readonly flags: bigint
  /** The session that holds it. */
  readonly session: string | undefined
  readonly modifyIndex: number
}

/** What stands at a key, and the index to wait from; https://developer.hashicorp.com/consul/api-docs/features/blocking */
export interface Reading {
  readonly entry: Entry | undefined
  readonly index: number
}

export interface ReadOptions {
  /** Waits until the index passes this one; 0 answers at once. */
  readonly index?: number
  /** The longest wait on the server's side, in milliseconds; at most 60 s, for the sake of load balancers. */
  readonly waitMs?: number
  /** Asks the leader, and has it verify that it is one. */
  readonly consistent?: boolean
}

/** Reads a key, at once or when it changes (or `waitMs` ran out: a return doesn't mean a change). */
export async function readKey(ctx: Context, consul: Consul, key: string, options: ReadOptions = {}): Promise<Reading> {
  const { index = 0, waitMs = 0 } = options
  const blocking = index > 0
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: `/v1/kv/${encodeKey(key)}`,
    query: {
      ...(options.consistent ? { consistent: true } : {}),
      ...(blocking ? { index: String(index), wait: `${Math.round(waitMs)}ms` } : {}),
    },
    // The server adds up to a sixteenth of the wait, so that waiters don't all wake at once.
    timeoutMs: blocking ? waitMs + waitMs / 16 + ATTEMPT_MS : ATTEMPT_MS,
    longPoll: blocking,
    expects: [404],
    needs: `key_prefix "${key}" { policy = "write" }`,
  })
  const answered = Number(reply.headers['x-consul-index'])
  if (!Number.isInteger(answered)) throw consul.strange('a key without X-Consul-Index')
  // An index that went backwards (a restored snapshot) means: start again.
  const next = answered < index ? 0 : Math.max(answered, 1)
  return { entry: reply.status === 404 ? undefined : parseEntry(consul.json(withBigFlags(reply))), index: next }
}

/** Path segments encoded one by one: a slash in a key is a folder. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

/** `JSON.parse` rounds 64-bit flags; as strings they survive. */
export function withBigFlags<T extends { text: string }>(reply: T): T {
  return { ...reply, text: reply.text.replace(/"Flags":(\d+)/g, '"Flags":"$1"') }
}

interface WireEntry {
  readonly Value?: string | null
  readonly Flags: string
  readonly Session?: string
  readonly ModifyIndex: number
}

function parseEntry(json: unknown): Entry | undefined {
  const [wire] = json as WireEntry[]
  return wire && readEntry(wire)
}

/** An entry from its JSON, flags quoted. */
export function readEntry(wire: WireEntry): Entry {
  return {
    value: Buffer.from(wire.Value ?? '', 'base64').toString('utf8'),
    flags: BigInt(wire.Flags),
    session: wire.Session || undefined,
    modifyIndex: wire.ModifyIndex,
  }
}
