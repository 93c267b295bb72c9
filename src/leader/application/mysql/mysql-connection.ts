import { readFileSync } from 'node:fs'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { unlessAborted, withAbortGrace } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure, reasonOf } from '../../../base/failure.ts'

/** For how long the answer to a statement with an effect is waited for when its call is cut short. */
const EFFECT_GRACE_MS = 500

export type MysqlRow = Readonly<Record<string, string | number | null>>

/** Which server, and as whom. */
export type MysqlPlace = ({ readonly socket: string } | { readonly host: string; readonly port: number }) & {
  readonly user: string
  /** Its first line. It is read again for each connection. */
  readonly passwordFile?: string | undefined
}

/** Nobody takes connections there. */
export class MysqlAway extends Error {}

/** A connection to a MariaDB. */
export class MysqlConnection implements Disposable {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
    connection.on('error', () => {}) // It is told by the statement that meets it.
  }

  /** Rejects with `MysqlAway`, with the server's own words, or with the signal's reason. */
  static async open(ctx: Context, place: MysqlPlace): Promise<MysqlConnection> {
    const password = place.passwordFile === undefined ? undefined : mysqlPassword(place.passwordFile)
    const where = 'socket' in place ? { socketPath: place.socket } : { host: place.host, port: place.port }
    const opening = createConnection({
      ...where,
      user: place.user,
      ...(password === undefined ? {} : { password }),
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
    })
    try {
      return new MysqlConnection(await unlessAborted(ctx.signal, opening))
    } catch (thrown) {
      opening.then(
        (late) => late.destroy(),
        () => {},
      )
      const { code, message } = thrown as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ECONNREFUSED') throw new MysqlAway(`MariaDB doesn't run: ${message}`)
      throw thrown
    }
  }

  /** Asks. Rejects with the server's words, or with the signal's reason. */
  async ask(ctx: Context, question: string, values: readonly unknown[] = []): Promise<MysqlRow[]> {
    ctx.signal.throwIfAborted()
    const [rows] = await unlessAborted(ctx.signal, this.#connection.query<RowDataPacket[]>(question, [...values]))
    return rows as MysqlRow[]
  }

  /**
   * Has something done: the answer is waited for a moment longer, for one that is left halfway may have its effect
   * later.
   */
  async tell(ctx: Context, statement: string, values: readonly unknown[] = []): Promise<void> {
    await withAbortGrace(ctx, EFFECT_GRACE_MS, async ({ signal }) => {
      await unlessAborted(signal, this.#connection.query(statement, [...values]))
    })
    ctx.signal.throwIfAborted()
  }

  [Symbol.dispose](): void {
    this.#connection.destroy()
  }
}

/** The first line of a password file. Throws a `config` failure that says why there is none. */
export function mysqlPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n', 1)[0] ?? ''
  } catch (thrown) {
    throw new Failure('config', `the password file ${file} can't be read: ${reasonOf(thrown)}`)
  }
}
