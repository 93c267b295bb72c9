import { HEIR_MS, releaseFor } from '../lock/release.ts'
import { leaveSlots } from '../lock/slots.ts'
import { connect } from './connect.ts'
import type { Invocation } from './invocation.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS } from './options.ts'
import { givenIn, parse } from './parse.ts'

const SYNTAX = { usage: '', epilogue: '', options: { ...CONSUL_OPTIONS, ...OUTPUT_OPTIONS } }

/**
 * `consul-locker :release KEY SESSION`, for the guardian alone: gives back what a dead runner held. A key that ends with
 * a slash stands for all slots below it.
 */
export async function releaseCommand({ words, environment, context }: Invocation): Promise<number> {
  const [key = '', sessionId = ''] = words
  const parsed = parse(SYNTAX, [], environment)
  const consul = await connect(givenIn(parsed), environment)
  const ctx = context(parsed.options)
  if (key.endsWith('/')) await leaveSlots(ctx, consul, key, sessionId, HEIR_MS)
  else await releaseFor(ctx, consul, { key, sessionId })
  return 0
}
