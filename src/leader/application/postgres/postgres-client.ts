import { Socket } from 'node:net'
import { Client } from 'pg'
import { unlessAborted } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { passwordIn } from './password-file.ts'

const CONNECT_MS = 2000
const ANSWER_MS = 3000
const GOODBYE_MS = 1000

/** It starts, recovers, or shuts down. */
const NOT_NOW = '57P03'
const NOT_ADMITTED = '28000'

/** Which server, and as whom. */
export interface PostgresTarget {
  /** An address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly passfile: string | undefined
  /** As a standby, which needs rights of its own. */
  readonly replication?: boolean
}

/** Asks one statement; the rows' values are texts, booleans, numbers or null. */
export type Ask = (statement: string, values?: readonly unknown[]) => Promise<Readonly<Record<string, unknown>>[]>

/**
 * Connects, does the work, and disconnects. Rejects as the work does, when the server doesn't answer (within seconds; a
 * statement may take `answerMs`), and with the signal's reason as soon as that aborts. As libpq does, it falls back on
 * TLS, with any certificate, when the server wants that.
 */
export async function withPostgres<T>(
  ctx: Context,
  target: PostgresTarget,
  work: (ask: Ask) => Promise<T>,
  answerMs = ANSWER_MS,
): Promise<T> {
  try {
    return await conversation(ctx, target, work, answerMs, false)
  } catch (thrown) {
    if (!wantsTls(thrown)) throw thrown
    return conversation(ctx, target, work, answerMs, true)
  }
}

async function conversation<T>(
  ctx: Context,
  { host, port, user, passfile, replication = false }: PostgresTarget,
  work: (ask: Ask) => Promise<T>,
  answerMs: number,
  tls: boolean,
): Promise<T> {
  const database = 'postgres'
  const socket = new Socket()
  // All is said here: for what isn't, the client would look into the environment.
  const client = new Client({
    host,
    port,
    user,
    database,
    password: async () => passwordIn(passfile, { host, port, database, user }),
    ssl: tls && { rejectUnauthorized: false },
    options: '-c search_path=pg_catalog',
    application_name: 'consul-locker',
    client_encoding: 'UTF8',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: answerMs,
    statement_timeout: answerMs,
    stream: () => socket,
    ...(replication ? { replication: 'true' } : {}),
  })
  client.on('error', () => {})
  try {
    const said = client.connect().then(() => {
      return work(async (statement, values) => (await client.query(statement, values && [...values])).rows)
    })
    return await unlessAborted(ctx.signal, said)
  } finally {
    // One that hangs would never take its leave.
    client.end().catch(() => {})
    ctx.clock.after(GOODBYE_MS, () => socket.destroy())
  }
}

/** `pg_hba.conf` has an entry for us, but for connections that are encrypted. */
function wantsTls(thrown: unknown): boolean {
  const { code, message = '' } = thrown as { code?: unknown; message?: string }
  return code === NOT_ADMITTED && message.includes('no encryption')
}

/** Whether a server is there that doesn't serve yet, or not any more. */
export function isNotServing(thrown: unknown): boolean {
  return (thrown as { code?: unknown }).code === NOT_NOW
}
