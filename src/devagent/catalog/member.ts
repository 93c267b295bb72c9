import { createHash } from 'node:crypto'
import type { Health } from '../../consul/health.ts'
import type { CheckDraft, NodeDraft, Registration } from './catalog-records.ts'

export const DATACENTER = 'dc1'

/** Where the server would talk to its peers, had it any. */
export const SERVER_PORT = 8300

/**
 * The check of each node that has an agent: whether its machine answers to gossip. Sessions are bound to it, as a rule.
 */
export const SERF_HEALTH = 'serfHealth'

/** Said of each node of ours, for whoever asks what this is. */
export const PLAINLY = 'one process for trying things, tests and CI: no cluster, and nothing to trust data to'

/** A node with an agent. */
export function memberNode(name: string, address: string): NodeDraft {
  return {
    ID: nodeId(name),
    Node: name,
    Address: address,
    Datacenter: DATACENTER,
    TaggedAddresses: { lan: address, lan_ipv4: address, wan: address, wan_ipv4: address },
    Meta: { 'consul-network-segment': '', 'consul-locker-dev': PLAINLY },
  }
}

/** A member of the cluster, with the check of its gossip. */
export function member(name: string, address: string, status: Health = 'passing'): Registration {
  return { node: memberNode(name, address), checks: [serfHealth(name, status)] }
}

/** The one that is the server, too. */
export function serverMember(name: string, address: string): Registration {
  const service = {
    ID: 'consul',
    Service: 'consul',
    Tags: [],
    Address: '',
    Meta: { version: VERSION },
    Port: SERVER_PORT,
    Weights: { Passing: 1, Warning: 1 },
    EnableTagOverride: false,
  }
  return { ...member(name, address), service }
}

/** The Consul that this is held to. */
export const VERSION = '1.8.7'

function serfHealth(node: string, status: Health): CheckDraft {
  return {
    Node: node,
    CheckID: SERF_HEALTH,
    Name: 'Serf Health Status',
    Status: status,
    Notes: '',
    Output: status === 'passing' ? 'Agent alive and reachable' : 'Agent not live or unreachable',
    ServiceID: '',
    ServiceName: '',
    ServiceTags: [],
    Type: '',
  }
}

/** The same for the same name, so that a restart is no other node. */
function nodeId(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
