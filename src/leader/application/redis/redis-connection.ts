import { readFileSync } from 'node:fs'
import { createClient, DisconnectsClientError } from '@redis/client'
import { unlessAborted } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure, messageOf, reasonOf } from '../../../base/failure.ts'
import { placeName, type RedisOptions, type RedisPlace } from './redis-options.ts'

/** What Redis answers by RESP 2, https://redis.io/docs/latest/develop/reference/protocol-spec/. */
export type Reply = string | number | null | readonly Reply[]

/** What the operating system says when nobody listens there. */
const NOBODY = ['ECONNREFUSED', 'ENOENT']
const CONNECT_MS = 5000

/** Nobody listens where Redis should. Whether it is dead, that doesn't say. */
export class NobodyListens extends Failure {}

/** A connection to a Redis, which ends with its context. */
export class RedisConnection {
  readonly #client: ReturnType<typeof clientOf>
  readonly #name: string
  readonly #signal: AbortSignal
  readonly #end = () => this.#client.destroy()
  /** Why the connection broke. */
  #trouble: unknown

  private constructor(ctx: Context, place: RedisPlace, options: RedisOptions) {
    this.#client = clientOf(place, options)
    this.#name = placeName(place)
    this.#signal = ctx.signal
    // Whoever waits for an answer hears of the trouble; the client would only say that it was destroyed.
    this.#client.on('error', (trouble) => {
      this.#trouble ??= trouble
      this.#client.destroy()
    })
    ctx.signal.addEventListener('abort', this.#end, { once: true })
  }

  /** Connects, and gives name and password. Rejects with a `Failure`, a `NobodyListens` among them. */
  static async open(ctx: Context, place: RedisPlace, options: RedisOptions): Promise<RedisConnection> {
    const connection = new RedisConnection(ctx, place, options)
    try {
      await unlessAborted(ctx.signal, connection.#client.connect())
      return connection
    } catch (thrown) {
      connection.close()
      throw ctx.signal.aborted ? thrown : connection.#failure(thrown)
    }
  }

  /** Sends a command. Rejects with a `Failure` that has Redis' own words, or the context's reason. */
  async ask(...words: readonly string[]): Promise<Reply> {
    try {
      return await unlessAborted(this.#signal, this.#client.sendCommand<Reply>(words))
    } catch (thrown) {
      throw this.#signal.aborted ? thrown : this.#failure(thrown)
    }
  }

  /** Sends a command that Redis answers with a text. */
  async askText(...words: readonly string[]): Promise<string> {
    const reply = await this.ask(...words)
    if (typeof reply === 'string') return reply
    throw new Failure('malformed', `Redis at ${this.#name} answers ${words[0]} with something else than a text`)
  }

  /** Sends a command that must be answered by OK. */
  async tell(...words: readonly string[]): Promise<void> {
    const reply = await this.ask(...words)
    if (reply !== 'OK') throw new Failure('malformed', `Redis at ${this.#name} answers ${words[0]} by ${reply}`)
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#end)
    this.#client.destroy()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #failure(caught: unknown): Failure {
    const thrown = caught instanceof DisconnectsClientError ? (this.#trouble ?? caught) : caught
    const { code } = thrown as { code?: unknown }
    if (typeof code === 'string' && NOBODY.includes(code))
      return new NobodyListens('unreachable', `Redis at ${this.#name} doesn't answer: nobody listens there`)
    const isReply = /^[A-Z]{2,} /.test(messageOf(thrown))
    return new Failure(isReply ? 'rejected' : 'unreachable', `Redis at ${this.#name}: ${reasonOf(thrown)}`, {
      cause: thrown,
    })
  }
}

function clientOf({ host, port, socket }: RedisPlace, { username = 'default', password_file, tls }: RedisOptions) {
  const ends = { connectTimeout: CONNECT_MS, reconnectStrategy: false } as const
  return createClient({
    RESP: 2,
    disableClientInfo: true,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    ...(password_file === undefined ? {} : { username, password: readPassword(password_file) }),
    socket:
      socket !== undefined
        ? { path: socket, ...ends }
        : tls === undefined
          ? { host, port, ...ends }
          : { host, port, ...ends, tls: true, ...certificates(tls) },
  })
}

function certificates({ ca_file, cert_file, key_file }: NonNullable<RedisOptions['tls']>) {
  return {
    ...(ca_file === undefined ? {} : { ca: textOf('the authorities', ca_file) }),
    ...(cert_file === undefined ? {} : { cert: textOf('the certificate', cert_file) }),
    ...(key_file === undefined ? {} : { key: textOf('the key', key_file) }),
  }
}

/** The password in a file, without the line's end. Throws a `config` failure when it can't be read. */
export function readPassword(path: string): string {
  return textOf('the password', path).replace(/\r?\n$/, '')
}

function textOf(what: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new Failure('config', `${what} in ${path} can't be read: ${reasonOf(thrown)}`, { cause: thrown })
  }
}
