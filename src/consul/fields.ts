/**
 * What a field of Consul's answers may be. Nothing that comes over the wire is taken at its word: whoever answers at
 * the agent's address would choose what we put into paths, hand to a guardian, or print.
 */

/** A JSON object; `null` and arrays are none. */
export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
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
