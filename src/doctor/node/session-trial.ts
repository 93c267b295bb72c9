import type { Context } from '../../base/context.ts'
import { oneLine } from '../../base/printable.ts'
import { randomId } from '../../base/random-id.ts'
import type { Consul } from '../../consul/consul.ts'
import { isDenied } from '../../consul/reply-failure.ts'
import { breaks, cantTell, type Diagnosis, fine } from '../diagnosis.ts'
import { ASKING_MS } from '../inspection-timeouts.ts'

/** No check has such a name, so that nothing comes of a session with it. */
const NO_CHECK = 'consul-locker-doctor-'
const LONGEST = 200

/** What Consul says when rights and TTL are in order. */
const FURTHER_ON = /Missing (node|check)|^(rpc error[^:]*: )*Check '.*' is in \w+ state/i

/**
 * Asks for a session on the agent's node that Consul can't create, for it names a check that isn't there. Consul judges
 * the rights first, then the TTL, then node and serfHealth, and this check last (agent/consul/session_endpoint.go,
 * agent/consul/state/session.go), so its answer tells how far a run would come. No session is created. Settles with
 * Consul's words.
 */
export async function trySession(ctx: Context, consul: Consul, ttlMs?: number): Promise<string> {
  const reply = await consul.exchange(ctx, {
    method: 'PUT',
    path: '/v1/session/create',
    body: JSON.stringify({
      Name: 'consul-locker doctor',
      Behavior: 'release',
      ...(ttlMs !== undefined && { TTL: `${ttlMs / 1000}s` }),
      // By its old name, which all versions take, and whose checks are looked at first.
      Checks: ['serfHealth', `${NO_CHECK}${randomId()}`],
    }),
    timeoutMs: ASKING_MS,
    needs: '',
  })
  if (reply.status === 200) throw consul.protocolError('a session with a check that nobody knows')
  return oneLine(reply.text, LONGEST)
}

/** Whether a token may have sessions on this node. */
export function judgeSessionRight(words: string, node: string | undefined): Diagnosis {
  if (FURTHER_ON.test(words)) return fine('the token may have sessions on this node')
  if (!isDenied(words)) return cantTell(`Consul says to a session: ${words}`)
  return breaks(
    `the token may not have sessions on this node: ${words}`,
    `it needs the ACL rule session "${node ?? '<node>'}" { policy = "write" }; the name is the node's, and no prefix`,
  )
}

/** Whether Consul's catalog knows the agent's node. */
export function judgeNode(words: string, node: string | undefined): Diagnosis {
  const named = node === undefined ? 'the node' : `the node ${node}`
  if (!/Missing node registration/i.test(words)) return fine(`${named} is in Consul's catalog`)
  return breaks(
    `${named} is not in Consul's catalog, so no run gets a session`,
    'the agent registers it within a minute; if not, look for "Node info update blocked by ACLs" in its log: the ' +
      "agent's own token (acl.tokens.agent) must write the node",
  )
}

/** Whether Consul's servers take the agent's node for alive. */
export function judgeSerfHealth(words: string): Diagnosis {
  if (/Missing check 'serfHealth'/i.test(words)) {
    return breaks(
      "Consul has no check serfHealth of this node, which every run's session is bound to",
      'restart the agent; if that does not help: is it a member of this cluster (consul members)?',
    )
  }
  const critical = /Check 'serfHealth' is in (\w+) state/i.exec(words)?.[1]
  if (critical === undefined) return fine('serfHealth passes')
  return breaks(
    `serfHealth of this node is ${critical}: the other nodes can't reach its agent`,
    "see consul members; the agent's serf port (8301, TCP and UDP) must be open both ways",
  )
}

/** Whether Consul's servers take a session of this TTL. */
export function judgeTtl(words: string, ttl: string): Diagnosis {
  const [, range] = /Invalid Session TTL '[^']*', must be between \[([^\]]*)\]/i.exec(words) ?? []
  if (range === undefined) {
    return FURTHER_ON.test(words)
      ? fine(`Consul takes a session TTL of ${ttl}`)
      : cantTell(`Consul says to a session with a TTL: ${words}`)
  }
  const [least = '', most = ''] = range.split('=')
  return breaks(
    `Consul takes no session TTL of ${ttl}: it must be between ${least} and ${most}`,
    'give a longer --ttl, or lower session_ttl_min at the servers',
  )
}
