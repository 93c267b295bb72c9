import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import { isIndex, isObject, textIn } from '../../consul/fields.ts'
import { readList } from '../../consul/list.ts'
import { isDenied } from '../../consul/reply-failure.ts'
import type { AgentAnswers } from '../agent/agent-answers.ts'
import { ASKING_MS } from '../inspection-timeouts.ts'
import { deniedAmong, type WantedKey } from './key-trial.ts'

/** A rule as policies have it, taken apart. */
interface Rule {
  readonly text: string
  readonly kind: string
  readonly name: string
  readonly policy: 'read' | 'write'
}

const RULE = /^(\w+) "([^"]*)" \{ policy = "(read|write)" \}$/

/** A key below a prefix that a rule names. */
const SOME = 'doctor'

/**
 * Tries which of these rules the token lacks, and changes nothing. Whether it may have sessions is another check's.
 * `node` is the name of the agent's node, where that is known. Settles with the rules that it lacks.
 */
export async function lackedRules(
  ctx: Context,
  { consul, answers }: { readonly consul: Consul; readonly answers: AgentAnswers },
  rules: readonly string[],
  node: string | undefined,
): Promise<string[]> {
  const wanted = rules.flatMap((rule) => ruleIn(node === undefined ? rule : rule.replaceAll('<node>', () => node)))
  const lacked = new Set<Rule>(await lackedKeys(ctx, consul, wanted))
  for (const rule of wanted) if (await isLacked(ctx, consul, answers, rule, node)) lacked.add(rule)
  return wanted.filter((rule) => lacked.has(rule)).map(({ text }) => text)
}

function ruleIn(text: string): Rule[] {
  const [, kind = '', name = '', policy] = RULE.exec(text) ?? []
  return policy === undefined ? [] : [{ text, kind, name, policy: policy as Rule['policy'] }]
}

/** All keys in one transaction. */
async function lackedKeys(ctx: Context, consul: Consul, rules: readonly Rule[]): Promise<Rule[]> {
  const keys = rules
    .filter(({ kind }) => kind === 'key' || kind === 'key_prefix')
    .map((rule) => ({ rule, want: { key: keyUnder(rule), policy: rule.policy } satisfies WantedKey }))
  const [first, ...others] = keys.map(({ want }) => want)
  if (!first) return []
  const denied = await deniedAmong(ctx, consul, [first, ...others])
  return keys.filter(({ want }) => denied.includes(want)).map(({ rule }) => rule)
}

function keyUnder({ kind, name }: Rule): string {
  return kind === 'key_prefix' ? `${name}${SOME}` : name
}

async function isLacked(
  ctx: Context,
  consul: Consul,
  answers: AgentAnswers,
  { kind, name, policy }: Rule,
  node: string | undefined,
): Promise<boolean> {
  switch (`${kind} ${policy}`) {
    case 'agent read':
    case 'agent_prefix read':
      return (await answers.configuration(ctx)) === 'denied'
    case 'node_prefix read':
      return (await readList(ctx, consul, '/v1/catalog/nodes')).length === 0
    case 'service_prefix read':
      return !(await seesServices(ctx, consul))
    case 'service write':
      return node !== undefined && (await isServiceDenied(ctx, consul, name, node))
    default:
      return false
  }
}

/** Consul leaves out of its lists what a token may not see; its own service is always there. */
async function seesServices(ctx: Context, consul: Consul): Promise<boolean> {
  const call = { method: 'GET', path: '/v1/catalog/services', timeoutMs: ASKING_MS, needs: '' } as const
  const services = consul.json(await consul.call(ctx, call))
  return isObject(services) && Object.keys(services).length > 0
}

/** In a transaction that can't be applied, as keys are tried. */
async function isServiceDenied(ctx: Context, consul: Consul, service: string, node: string): Promise<boolean> {
  const never = ['check-not-exists', 'check-index'].map((Verb) => ({ KV: { Verb, Key: 'consul-locker', Index: 1 } }))
  const registration = { Service: { Verb: 'set', Node: node, Service: { ID: service, Service: service } } }
  const reply = await consul.call(ctx, {
    method: 'PUT',
    path: '/v1/txn',
    body: JSON.stringify([...never, registration]),
    timeoutMs: ASKING_MS,
    // Old agents, and `consul-locker dev`, have no such operations.
    expects: [400, 409, 501],
    needs: `service "${service}" { policy = "write" }`,
  })
  if (reply.status !== 409) return false
  const answer = consul.json(reply)
  const errors = isObject(answer) && Array.isArray(answer.Errors) ? answer.Errors.filter(isObject) : []
  return errors.some(({ OpIndex, What }) => isIndex(OpIndex) && OpIndex === never.length && isDenied(textIn(What)))
}
