import { isObject } from '../consul/fields.ts'
import { parseGoDuration } from './go-duration.ts'
import { Refusal } from './refusal.ts'

/** The body of a request as JSON. Throws a `Refusal` (400) for one that is none. */
export function jsonBody(body: string | Buffer): unknown {
  const text = body.toString()
  try {
    return JSON.parse(text)
  } catch {
    throw undecodable(text.trim() === '' ? 'EOF' : 'invalid character')
  }
}

function undecodable(why: string): Refusal {
  return new Refusal(400, `Request decode failed: ${why}`)
}

/**
 * The fields of a JSON object as Go's decoder reads them, with the names in Consul's API: capitals make no difference,
 * nor do underscores, of which Consul takes some for older clients. What is absent, or null, is Go's zero value. All
 * methods throw a `Refusal` (400) for a field of another type.
 */
export class JsonFields {
  readonly #fields = new Map<string, readonly [name: string, value: unknown]>()

  constructor(json: unknown) {
    if (json === null || json === undefined) return
    if (!isObject(json)) throw undecodable(`json: cannot unmarshal ${kindOf(json)} into Go value`)
    for (const [name, value] of Object.entries(json)) {
      if (value !== null) this.#fields.set(plain(name), [name, value])
    }
  }

  has(name: string): boolean {
    return this.#fields.has(plain(name))
  }

  /** Throws for a field that isn't one of these. */
  only(names: ReadonlySet<string>): void {
    for (const [field, [name]] of this.#fields) {
      if (!names.has(field)) throw undecodable(`json: unknown field ${JSON.stringify(name)}`)
    }
  }

  text(name: string): string {
    const value = this.#value(name) ?? ''
    return typeof value === 'string' ? value : this.#mistaken(name, value, 'string')
  }

  number(name: string): number {
    const value = this.#value(name) ?? 0
    return Number.isSafeInteger(value) ? (value as number) : this.#mistaken(name, value, 'int')
  }

  flag(name: string): boolean {
    const value = this.#value(name) ?? false
    return typeof value === 'boolean' ? value : this.#mistaken(name, value, 'bool')
  }

  texts(name: string): string[] {
    const value = this.#value(name) ?? []
    return isTexts(value) ? value : this.#mistaken(name, value, '[]string')
  }

  /** Texts by their names; `null` when there is no such field. */
  textMap(name: string): Record<string, string> | null {
    const value = this.#value(name)
    if (value === undefined) return null
    if (!isObject(value) || !isTexts(Object.values(value))) return this.#mistaken(name, value, 'map[string]string')
    return { ...value } as Record<string, string>
  }

  /** Lists of texts by their names, as HTTP headers are. */
  headers(name: string): Record<string, readonly string[]> {
    const value = this.#value(name) ?? {}
    if (!isObject(value) || !Object.values(value).every(isTexts))
      return this.#mistaken(name, value, 'map[string][]string')
    return { ...value } as Record<string, readonly string[]>
  }

  /** Nanoseconds: a number of them, or a text like `10s`. */
  durationNs(name: string): number {
    const value = this.#value(name) ?? 0
    if (typeof value === 'number') return value
    const ns = typeof value === 'string' ? parseGoDuration(value) : this.#mistaken(name, value, 'time.Duration')
    if (typeof ns === 'string') throw undecodable(ns)
    return ns
  }

  object(name: string): JsonFields | undefined {
    const value = this.#value(name)
    return value === undefined ? undefined : new JsonFields(value)
  }

  objects(name: string): JsonFields[] {
    const value = this.#value(name) ?? []
    if (!Array.isArray(value)) return this.#mistaken(name, value, 'slice')
    return value.map((one) => new JsonFields(one))
  }

  #value(name: string): unknown {
    return this.#fields.get(plain(name))?.[1]
  }

  #mistaken(name: string, value: unknown, type: string): never {
    throw undecodable(`json: cannot unmarshal ${kindOf(value)} into Go struct field .${name} of type ${type}`)
  }
}

/** The names for `only`. */
export function fieldNames(...names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(plain))
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
