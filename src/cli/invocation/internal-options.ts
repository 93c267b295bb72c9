import { CONSUL_OPTIONS, type ConsulOptions } from '../options/consul-options.ts'
import { OUTPUT_OPTIONS, type OutputOptions } from '../options/output-options.ts'
import { parse } from '../syntax/parse.ts'

const SYNTAX = { summary: '', usage: '', epilogue: '', options: { ...CONSUL_OPTIONS, ...OUTPUT_OPTIONS } }

/** How the process that called us reaches Consul, and how it talks: it left that in our environment. */
export function internalOptions(environment: NodeJS.ProcessEnv): ConsulOptions & OutputOptions {
  return parse(SYNTAX, [], environment).options
}
