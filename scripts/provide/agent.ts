import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { agentConfig } from './agent-config.ts'
import { AgentProcess, type ConsulAgent } from './agent-process.ts'
import { execute } from './execute.ts'
import { findConsul } from './find-consul.ts'
import { startGroupReaper } from './group-reaper.ts'
import { freePorts, type Ports } from './ports.ts'
import { acceptsSessions } from './readiness.ts'

export type { ConsulAgent } from './agent-process.ts'

/** How to start an agent; every field has a default. */
export interface ConsulOptions {
  /** `dev` (the default) keeps all in memory; `server` is a single server whose data survive `restart()`. */
  readonly mode?: 'dev' | 'server'
  /** Keeps a server's data, configuration, ports and log; without it they lie in a directory that `stop()` removes. */
  readonly dataDir?: string
  /** The node's name; the mode's by default. */
  readonly node?: string
  /** Consul settings, merged over ours object by object; `undefined` takes one of ours away. */
  readonly config?: Record<string, unknown>
  /** Ports to use; 0 means a free one, -1 off. `https` and `grpc` are off unless they are named here. */
  readonly ports?: Partial<Ports>
  /** The address for the agent's own and its clients' traffic; 127.0.0.1 by default. */
  readonly bind?: string
  /** Further arguments of `consul agent`. */
  readonly args?: readonly string[]
  /** Copies the log to our standard error. */
  readonly verbose?: boolean
  /** Replaces the question whether the agent is ready, where the plain one cannot be asked (ACLs, HTTPS only). */
  readonly probe?: (agent: ConsulAgent) => Promise<boolean>
}

const attempts = 5

/**
 * Starts a Consul agent and resolves when it has a leader and accepts sessions. Rejects when there is no Consul, or
 * when the agent ends or is not ready within 30 s; nothing is left behind then.
 */
export async function startConsul(options: ConsulOptions = {}): Promise<ConsulAgent> {
  const binary = await findConsul()
  const version = await execute(binary, ['version'])
  for (let attempt = 1; ; attempt++) {
    const agent = await prepare(options, binary, version)
    try {
      await agent.restart()
      return agent
    } catch (error) {
      const again = agent.lostItsPort && attempt < attempts
      await agent.stop()
      if (!again) throw error
    }
  }
}

async function prepare(options: ConsulOptions, binary: string, version: string): Promise<AgentProcess> {
  const { mode = 'dev', node = mode, bind: host = '127.0.0.1', config = {}, args = [], verbose = false } = options
  const temporary = options.dataDir ? '' : await mkdtemp(join(tmpdir(), 'consul-agent-'))
  const groupReaper = startGroupReaper(temporary)
  const dir = options.dataDir ? resolve(options.dataDir) : temporary
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'agent.json')
  const ports = await freePorts({ ...rememberedPorts(file), ...options.ports }, host)
  const settings = agentConfig({ mode, node, host, ports, dataDir: join(dir, 'data'), version, config })
  writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`)
  return new AgentProcess({
    binary,
    args: ['agent', ...(mode === 'dev' ? ['-dev'] : []), '-config-file', file, ...args],
    address: ports.http === -1 ? `https://${host}:${ports.https}` : `http://${host}:${ports.http}`,
    host,
    ports,
    logFile: join(dir, 'agent.log'),
    verbose,
    groupReaper,
    probe: options.probe ?? ((agent) => acceptsSessions(agent.address)),
  })
}

function rememberedPorts(file: string): Partial<Ports> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).ports
  } catch {
    return {}
  }
}
