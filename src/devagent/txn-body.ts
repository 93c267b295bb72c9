import type { Step } from './txn-step.ts'

interface WireStep {
  readonly KV?: {
    readonly Verb?: string
    readonly Key?: string
    readonly Value?: string | null
    readonly Flags?: string
    readonly Session?: string
    readonly Index?: number
  }
}

/** The steps of a body, or why it can't be read. What is no KV step is passed over, as Consul does. */
export function parseSteps(body: string): Step[] | string {
  let wire: WireStep[]
  try {
    // JSON.parse would round 64-bit flags.
    wire = JSON.parse(body.replace(/"Flags":\s*(\d+)/g, '"Flags":"$1"'))
  } catch {
    return 'invalid character'
  }
  const steps: Step[] = []
  for (const { KV } of wire) {
    if (!KV) continue
    const value = KV.Value ?? ''
    const bad = badBase64(value)
    if (bad >= 0) return `illegal base64 data at input byte ${bad}`
    const draft = { key: KV.Key ?? '', value, flags: BigInt(KV.Flags ?? 0) }
    steps.push({ verb: KV.Verb ?? '', draft, session: KV.Session ?? '', index: KV.Index ?? 0 })
  }
  return steps
}

/** Where base64 stops being that; -1 when all is well. */
function badBase64(text: string): number {
  const good = /^[A-Za-z0-9+/]*={0,2}/.exec(text)?.[0].length ?? 0
  if (good < text.length) return good
  return text.length % 4 === 0 ? -1 : text.length
}
