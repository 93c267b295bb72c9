import type { AgentImage } from './agent-image.ts'
import { NodeAgent, type NodeAgentOptions } from './node-agent.ts'

/** The agents of all nodes; each comes to be when it is first asked. */
export class NodeAgents {
  readonly #options: Omit<NodeAgentOptions, 'node'>
  readonly #agents = new Map<string, NodeAgent>()

  constructor(options: Omit<NodeAgentOptions, 'node'>) {
    this.#options = options
  }

  on(node: string): NodeAgent {
    const known = this.#agents.get(node)
    if (known) return known
    const agent = new NodeAgent({ ...this.#options, node })
    this.#agents.set(node, agent)
    return agent
  }

  /** What there is to keep of them, by node. */
  get images(): Record<string, AgentImage> {
    return Object.fromEntries([...this.#agents].map(([node, agent]) => [node, agent.image]))
  }

  load(images: Readonly<Record<string, AgentImage>>): void {
    for (const [node, image] of Object.entries(images)) this.on(node).load(image)
  }

  stop(): void {
    for (const agent of this.#agents.values()) agent.stop()
  }
}
