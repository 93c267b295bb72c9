import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../../../host/atomic-write.ts'

const SEGMENT = /^[0-9A-F]{24}$/

/** The files of a server's data directory that are ours to read or to write. */
export class DataDirectory {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Whether there are data, whole or not. */
  get isFilled(): boolean {
    return existsSync(this.#file('PG_VERSION'))
  }

  /** The major version, as `15`; `undefined` without data. */
  get version(): string | undefined {
    try {
      return readFileSync(this.#file('PG_VERSION'), 'utf8').trim()
    } catch {
      return undefined
    }
  }

  /** A rewinding that was cut short has left data that are good for nothing. */
  get isTorn(): boolean {
    return existsSync(this.#tornMark)
  }

  /** Marks the data as torn, until they are whole again. */
  set isTorn(torn: boolean) {
    if (torn) writeFileSync(this.#tornMark, '')
    else rmSync(this.#tornMark, { force: true })
  }

  /** Whoever starts it starts a standby. */
  set startsAsStandby(standby: boolean) {
    if (standby) writeFileSync(this.#file('standby.signal'), '')
    else rmSync(this.#file('standby.signal'), { force: true })
  }

  get startsAsStandby(): boolean {
    return existsSync(this.#file('standby.signal'))
  }

  /** Changes settings as `ALTER SYSTEM` does; a server that runs must be told. Returns whether anything has changed. */
  set(settings: Readonly<Record<string, string>>): boolean {
    const file = this.#file('postgresql.auto.conf')
    const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const isKept = (line: string) => !Object.keys(settings).some((name) => line.trimStart().startsWith(`${name} `))
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
    const kept = before.split('\n').filter((line) => line !== '' && isKept(line))
    const after = [...kept, ...lines, ''].join('\n')
    if (after !== before) writeAtomically(file, after, { durable: true })
    return after !== before
  }

  /** The last segment of the log, as `0000000000000003`, whatever its timeline. */
  get lastSegment(): string | undefined {
    const names = readdirSync(this.#file('pg_wal')).filter((name) => SEGMENT.test(name))
    return names
      .map((name) => name.slice(8))
      .sort()
      .at(-1)
  }

  get #tornMark(): string {
    return `${this.path}.torn`
  }

  #file(name: string): string {
    return join(this.path, name)
  }
}
