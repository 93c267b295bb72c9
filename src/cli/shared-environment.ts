import { CONSUL_OPTIONS, OUTPUT_OPTIONS, variableOf } from './options.ts'

const OWN = /^CONSUL_LOCKER_/

/**
 * The environment without options that are meant for runs: CONSUL_LOCKER_WAIT is how long to wait for a lock, and no
 * flag's value to wait for. How to reach Consul and how to talk is the same for all.
 */
export function sharedEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const shared = [...Object.keys(CONSUL_OPTIONS), ...Object.keys(OUTPUT_OPTIONS)].map(variableOf)
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OWN.test(name) || shared.includes(name)))
}
