import type { WireReply } from '../consul/wire.ts'
import type { AgentAnswer } from './request.ts'
import type { Topic } from './watches.ts'

const JSON_HEADERS = { 'content-type': 'application/json' }
const TEXT_HEADERS = { 'content-type': 'text/plain; charset=utf-8' }

/** 200 with JSON. */
export function jsonAnswer(text: string): AgentAnswer {
  return { reply: { status: 200, headers: JSON_HEADERS, text } }
}

const TRUE = jsonAnswer('true')
const FALSE = jsonAnswer('false')

export function boolAnswer(value: boolean): AgentAnswer {
  return value ? TRUE : FALSE
}

/** Another status with words, for people. Consul says 500 to its users' mistakes, too. */
export function textAnswer(status: number, text: string): AgentAnswer {
  return { reply: { status, headers: TEXT_HEADERS, text } }
}

/** The answer to a read that can block: empty text stands for 404. */
export function readAnswer(text: string, index: number, topic: Topic): AgentAnswer {
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

/** 200 and nothing. */
export const DONE: AgentAnswer = { reply: { status: 200, headers: {}, text: '' } }

export function methodNotAllowed(method: string, allowed: string): AgentAnswer {
  const { reply } = textAnswer(405, `method ${method} not allowed`)
  return { reply: { ...reply, headers: { ...reply.headers, allow: `OPTIONS,${allowed}` } } }
}
