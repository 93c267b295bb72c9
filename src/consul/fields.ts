/**
 * What a field of Consul's answers may be. Nothing that comes over the wire is taken at its word: whoever answers at
 * the agent's address would choose what we put into paths, hand to a guardian, or print.
 */

/** A JSON object; `null` and arrays are none. */
export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** What people and programs know a node, a service or a check by: one line, without control characters. */
export function isName(field: unknown): field is string {
  return typeof field === 'string' && /^\P{Cc}+$/u.test(field)
}

/** A text; empty when it is none. */
export function textIn(field: unknown): string {
  return typeof field === 'string' ? field : ''
}

/** The texts of a list; none when it is no list. */
export function textsIn(field: unknown): string[] {
  return Array.isArray(field) ? field.filter((text) => typeof text === 'string') : []
}

/** The texts of an object by their names; none when it is no object. */
export function metaIn(field: unknown): Readonly<Record<string, string>> {
  const entries = isObject(field) ? Object.entries(field) : []
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** A port; 0, as Consul says it, when there is none. */
export function portIn(field: unknown): number {
  return isIndex(field) && field < 65536 ? field : 0
}

/** A session's id: a UUID as hashicorp/go-uuid writes it. */
export function isSessionId(field: unknown): field is string {
  return typeof field === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(field)
}

/** An index of raft's, or another count. Those that a JavaScript number can't hold are none. */
export function isIndex(field: unknown): field is number {
  return Number.isSafeInteger(field) && (field as number) >= 0
}

/** The index in a header; `undefined` when there is none. */
export function indexIn(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string' || !/^\d{1,20}$/.test(header)) return undefined
  const index = Number(header)
  return isIndex(index) ? index : undefined
}
