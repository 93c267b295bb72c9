import type { Ports } from './ports.ts'

/** For `performance`: a leader is elected within a second or two, where Consul's own default takes about ten. */
export const QUICK_ELECTIONS = { raft_multiplier: 1 }

/** What an agent's configuration file is made of. */
export interface AgentConfigOptions {
  readonly mode: 'dev' | 'server'
  readonly node: string
  readonly host: string
  readonly ports: Ports
  readonly dataDir: string
  /** As `consul version` prints it. */
  readonly version: string
  /** Merged over ours, object by object; `undefined` takes a setting away. */
  readonly config: Record<string, unknown>
}

/** The content of a configuration file for an agent that has its own ports and disturbs nobody. */
export function agentConfig({ mode, node, host, ports, dataDir, version, config }: AgentConfigOptions): object {
  // Timing stays Consul's own default: an election takes as long as it does for users.
  const server = { server: true, bootstrap_expect: 1, data_dir: dataDir }
  const ours = {
    node_name: node,
    bind_addr: host,
    client_addr: host,
    disable_update_check: true,
    ports: { ...ports, ...(hasGrpcTls(version) && { grpc_tls: -1 }) },
    ...(mode === 'server' && server),
  }
  return merge(ours, config)
}

// An older Consul refuses the setting, a newer one opens port 8503 without it.
function hasGrpcTls(version: string): boolean {
  const [, major = '0', minor = '0'] = /v(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > 1 || Number(minor) >= 14
}

function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = base[key]
    merged[key] = isRecord(below) && isRecord(value) ? merge(below, value) : value
  }
  return merged
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
