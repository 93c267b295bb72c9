import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { variableOf } from '../../syntax/option.ts'

/** What `consul` reads of how to reach an agent; https://developer.hashicorp.com/consul/commands#environment-variables */
const OTHER_WAYS = /^CONSUL_(HTTP_|CACERT$|CAPATH$|CLIENT_|TLS_|NAMESPACE$|PARTITION$)/

/** The environment of a command that finds its Consul at `address`, and none of the ways to another one. */
export function environmentAt(address: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = Object.keys(CONSUL_OPTIONS).map(variableOf)
  const kept = Object.entries(environment).filter(([name]) => !OTHER_WAYS.test(name) && !ours.includes(name))
  return { ...Object.fromEntries(kept), CONSUL_HTTP_ADDR: address }
}
