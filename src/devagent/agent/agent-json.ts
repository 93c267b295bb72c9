import type { Health } from '../../consul/health.ts'
import type { CheckDraft, ServiceDraft } from '../catalog/catalog-records.ts'
import { DATACENTER, memberNode, PLAINLY, SERVER_PORT, VERSION } from '../catalog/member.ts'

/** A service as its agent lists it. */
export function agentServiceJson({ ID, Service, Tags, Meta, Port, Address, Weights, EnableTagOverride }: ServiceDraft) {
  return { ID, Service, Tags, Meta, Port, Address, Weights, EnableTagOverride }
}

/** A check as its agent lists it: without indexes, for they are the servers'. */
export function agentCheckJson(check: CheckDraft): object {
  return { ...check, Definition: {}, CreateIndex: 0, ModifyIndex: 0 }
}

/** A member of the gossip (serf.Member). */
export function memberJson(node: string, address: string): object {
  return {
    Name: node,
    Addr: address,
    Port: 8301,
    Tags: {
      acls: '0',
      build: `${VERSION}:`,
      dc: DATACENTER,
      id: memberNode(node, address).ID,
      port: String(SERVER_PORT),
      role: 'consul',
      segment: '',
    },
    Status: 1,
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  }
}

/** What an agent says of itself (agent/agent_endpoint.go, AgentSelf), and plainly what it isn't. */
export function selfJson(node: string, address: string, leader: string): object {
  const { ID } = memberNode(node, address)
  return {
    Config: {
      Datacenter: DATACENTER,
      NodeName: node,
      NodeID: ID,
      Revision: 'consul-locker dev',
      Server: true,
      Version: VERSION,
    },
    DebugConfig: { ACLsEnabled: false, DevMode: true, Datacenter: DATACENTER, NodeName: node, ServerMode: true },
    Coord: { Vec: [0, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Adjustment: 0, Height: 0.00001 },
    Member: memberJson(node, address),
    Stats: {
      agent: { check_monitors: '0', check_ttls: '0', checks: '0', services: '0' },
      consul: { acl: 'disabled', bootstrap: 'true', leader: 'true', leader_addr: leader, server: 'true' },
    },
    Meta: { 'consul-network-segment': '', 'consul-locker-dev': PLAINLY },
  }
}

/** The HTTP status by which a load balancer hears how something is. */
export const STATUS_OF_HEALTH: Readonly<Record<Health, number>> = { passing: 200, warning: 429, critical: 503 }
