import type { WireReply } from '../consul/wire.ts'
import type { Answer } from './request.ts'
import type { Topic } from './watches.ts'

const JSON_HEADERS = { 'content-type': 'application/json' }
const TEXT_HEADERS = { 'content-type': 'text/plain; charset=utf-8' }

/** 200 with JSON. */
export function json(text: string): Answer {
  return { reply: { status: 200, headers: JSON_HEADERS, text } }
}

const TRUE = json('true')
const FALSE = json('false')

export function bool(value: boolean): Answer {
  return value ? TRUE : FALSE
}

/** Another status with words, for people. Consul says 500 to its users' mistakes, too. */
export function words(status: number, text: string): Answer {
  return { reply: { status, headers: TEXT_HEADERS, text } }
}

/** The answer to a read that can block: empty text stands for 404. */
export function reading(text: string, index: number, topic: Topic): Answer {
  // Index 0 would not block; 1 never is a real one (agent/consul/kvs_endpoint.go).
  const shown = Math.max(index, 1)
  const headers = indexHeaders(shown)
  return { reply: { status: text === '' ? 404 : 200, headers, text }, index: shown, topic }
}

function indexHeaders(index: number): WireReply['headers'] {
  return {
    'content-type': 'application/json',
    'x-consul-index': String(index),
    'x-consul-knownleader': 'true',
    'x-consul-lastcontact': '0',
  }
}

export function methodNotAllowed(method: string, allowed: string): Answer {
  const { reply } = words(405, `method ${method} not allowed`)
  return { reply: { ...reply, headers: { ...reply.headers, allow: `OPTIONS,${allowed}` } } }
}
