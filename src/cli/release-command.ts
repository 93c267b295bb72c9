import { releaseFor } from '../lock/release.ts'
import { connect } from './connect.ts'
import type { Invocation } from './invocation.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS } from './options.ts'
import { givenIn, parse } from './parse.ts'

const SYNTAX = { usage: '', epilogue: '', options: { ...CONSUL_OPTIONS, ...OUTPUT_OPTIONS } }

/** `consul-locker :release KEY SESSION`, for the guardian alone: gives back what a dead runner held. */
export async function releaseCommand({ words, environment, context }: Invocation): Promise<number> {
  const [key = '', sessionId = ''] = words
  const parsed = parse(SYNTAX, [], environment)
  const consul = await connect(givenIn(parsed), environment)
  await releaseFor(context(parsed.options), consul, { key, sessionId })
  return 0
}
