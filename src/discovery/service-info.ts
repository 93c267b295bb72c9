import { Failure } from '../base/failure.ts'
import { quoted } from '../base/printable.ts'

/** What Consul knows of an instance beside its name, id and address. */
export interface ServiceInfo {
  readonly port: number | undefined
  /** As Consul keeps it: words for words. */
  readonly meta: Readonly<Record<string, string>>
}

// Consul's own limits (agent/structs/structs.go), said in one sentence before it says them in its own.
const MAX_PAIRS = 64
const MAX_KEY = 128
const MAX_VALUE = 512
/** Pairs that the monitor adds. */
const OWN_PAIRS = 3

/** Which of the keys is the service's port; the first that is there. */
const PORT_KEYS = ['port', 'http_port', 'transport_port'] as const

/** Reads `--service-info '{"http_port": 9200, …}'`. Throws a `usage` failure. */
export function parseServiceInfo(text: string): ServiceInfo {
  const pairs = Object.entries(parseObject(text))
  if (pairs.length > MAX_PAIRS - OWN_PAIRS) {
    throw bad(`has ${pairs.length} keys`, `Consul keeps ${MAX_PAIRS}, and ${OWN_PAIRS} are ours`)
  }
  const meta = Object.fromEntries(pairs.map(([key, value]) => [checkKey(key), checkValue(key, value)]))
  const portKey = PORT_KEYS.find((key) => Object.hasOwn(meta, key))
  return { port: portKey === undefined ? undefined : checkPort(portKey, meta[portKey] ?? ''), meta }
}

function parseObject(text: string): Record<string, unknown> {
  const hint = 'write it as {"http_port": 9200, "name": "web-1"}'
  try {
    const info: unknown = JSON.parse(text)
    if (typeof info === 'object' && info !== null && !Array.isArray(info)) return info as Record<string, unknown>
  } catch {
    throw bad('is not JSON', hint)
  }
  throw bad('is not a JSON object', hint)
}

function checkKey(key: string): string {
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(key)) {
    throw bad(`has the key ${quoted(key)}`, `letters, digits, - and _ are fine, ${MAX_KEY} at most`)
  }
  if (key.startsWith('consul-'))
    throw bad(`has the key ${quoted(key)}`, 'keys that begin with consul- are Consul’s own')
  return key
}

function checkValue(key: string, value: unknown): string {
  if (value === null || typeof value === 'object') {
    throw bad(`has a value at ${quoted(key)} that is no text, number or boolean`, 'Consul keeps one text for each key')
  }
  const text = String(value)
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_VALUE) throw bad(`has ${bytes} bytes at ${quoted(key)}`, `Consul keeps ${MAX_VALUE} for each key`)
  return text
}

function checkPort(key: string, text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw bad(`has the ${key} ${quoted(text)}`, 'a port is a number from 1 to 65535')
}

function bad(what: string, hint: string): Failure {
  return new Failure('usage', `--service-info ${what}`, { hint })
}
