import { readFileSync, statSync } from 'node:fs'
import { reasonOf } from '../../../base/failure.ts'

/** Whose password is looked for. */
export interface PasswordFor {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/** A field of a line: `\` makes the next character an ordinary one. */
const FIELD = /(?:\\.|[^:\\])*/y

/**
 * Looks a password up as libpq does: the first line that fits, of `host:port:database:user:password`; for a socket, the
 * host may be `localhost`. Throws when the file can't be read, has none, or is open to
 * others, and where there is no file.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
export function passwordIn(file: string | undefined, who: PasswordFor): string {
  if (file === undefined) throw new Error('a password is asked for, and there is no home folder with a .pgpass')
  const found = read(file)
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map(fieldsOf)
    .find((fields) => fits(fields, who))
  if (found?.[4] !== undefined) return found[4]
  throw new Error(`${file} has no password of ${who.user} at ${who.host}:${who.port}`)
}

function fits([host, port, database, user]: readonly string[], who: PasswordFor): boolean {
  const hosts = who.host.startsWith('/') ? [who.host, 'localhost'] : [who.host]
  const is = (field: string | undefined, ...values: string[]) => field === '*' || values.includes(field ?? '')
  return is(host, ...hosts) && is(port, String(who.port)) && is(database, who.database) && is(user, who.user)
}

/** A password may have anything in it but the end of a line. */
function fieldsOf(line: string): string[] {
  const fields: string[] = []
  FIELD.lastIndex = 0
  while (fields.length < 4) {
    fields.push(FIELD.exec(line)?.[0] ?? '')
    if (line[FIELD.lastIndex] !== ':') return []
    FIELD.lastIndex += 1
  }
  return [...fields, line.slice(FIELD.lastIndex)].map((field) => field.replace(/\\(.)/g, '$1'))
}

function read(file: string): string {
  try {
    const { mode } = statSync(file)
    if ((mode & 0o077) !== 0) throw new Error('others may read it (chmod 600)')
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new Error(`a password is asked for, and ${file} can't be used: ${reasonOf(thrown)}`)
  }
}
