import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execute } from '../provide/execute.ts'
import type { App } from './app.ts'
import { followList, heldValue, type KeyEntry } from './follow-list.ts'
import type { NodePlace } from './node-place.ts'
import type { FailoverCluster, Member, Parts, Sights, System } from './system.ts'

/** An application, and how a leader agent is told to keep it. */
export interface Led {
  readonly app: App
  /** The keys of the leader's configuration that are about it, in YAML. */
  readonly yaml: string
  /** What its commands need in their environment. */
  readonly env: NodeJS.ProcessEnv
}

export interface LockerOptions {
  /** The executable under test. */
  readonly locker: string
  readonly application: System['application']
  readonly led: (place: NodePlace) => Promise<Led>
  /** Further lines of the leader's configuration. */
  readonly extra?: readonly string[]
  /** Words in front of the leader agents'. */
  readonly through?: readonly string[]
}

/** `consul-locker leader`. The application's name, and its service's, is what it is. */
export class LockerSystem implements System {
  readonly name: string
  readonly title = 'consul-locker'
  readonly application: System['application']
  readonly usesConsul = true
  readonly exclusion = {
    exclude: ({ server }: FailoverCluster, { name }: Member) => this.#operate(server, 'disable', '--node', name),
    readmit: ({ server }: FailoverCluster, { name }: Member) => this.#operate(server, 'enable', '--node', name),
  }
  readonly #options: LockerOptions

  constructor(options: LockerOptions) {
    this.#options = options
    this.application = options.application
    this.name = options.application
  }

  async prepare(place: NodePlace): Promise<Parts> {
    const { app, yaml, env } = await this.#options.led(place)
    const { locker, extra = [], through = [] } = this.#options
    const { dir, address, port, apiPort, consul } = place
    const file = join(dir, 'app.yaml')
    const lines = [`name: ${this.application}`, `port: ${port}`, `address: ${address}`, `api: ${address}:${apiPort}`]
    writeFileSync(file, [...lines, yaml.trim(), ...extra, ''].join('\n'))
    const [program = locker, ...words] = [...through, locker, 'leader', '-f', file]
    const { PATH, HOME } = process.env
    return {
      app,
      keeper: {
        words: [program, ...words],
        env: { PATH, HOME, ...env, CONSUL_HTTP_ADDR: consul },
        log: join(dir, 'leader.log'),
      },
    }
  }

  watch({ server }: FailoverCluster, sights: Sights, signal: AbortSignal): Promise<unknown> {
    const seeHolder = (entries: KeyEntry[]) => {
      const value = heldValue(entries)
      sights.holder(value && JSON.parse(value).node)
    }
    const seeMasters = (entries: ServiceEntry[]) => sights.masters(entries.map(({ Node }) => Node.Node))
    return Promise.all([
      followList(`${server}/v1/kv/lock/${this.application}/leader`, seeHolder, signal),
      followList(`${server}/v1/health/service/${this.application}?passing&tag=master`, seeMasters, signal),
    ])
  }

  async steadyMaster({ server, nodes }: FailoverCluster): Promise<string | undefined> {
    const entries = await this.#entries(server)
    const those = (fits: (entry: ServiceEntry) => boolean) => entries.filter(fits).map(({ Node }) => Node.Node)
    const masters = those(({ Service }) => Service.Tags.includes('master'))
    const slaves = those(({ Service }) => Service.Tags.includes('slave') && Service.Meta.candidate === 'true')
    const [master] = masters
    if (masters.length !== 1 || slaves.length !== nodes.length - 1) return undefined
    const following = nodes.filter(({ name }) => slaves.includes(name)).map(({ app }) => app.follows())
    return (await Promise.all(following)).every(Boolean) ? master : undefined
  }

  handOver({ server }: FailoverCluster): Promise<unknown> {
    return this.#operate(server, 'step-down')
  }

  guardians({ place }: Member): number[] {
    const isOurs = (environ: string) => environ.includes('CONSUL_LOCKER_DUTY=') && environ.includes(`${place.dir}/`)
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && isOurs(environOf(entry)))
      .map(Number)
  }

  /** The roles by node, as the catalog has them, of those that pass. */
  async roles({ server }: FailoverCluster): Promise<Record<string, string>> {
    const entries = await this.#entries(server)
    return Object.fromEntries(entries.map(({ Node, Service }) => [Node.Node, Service.Tags.join()]))
  }

  /** As an operator does it, on another machine. */
  #operate(server: string, word: string, ...options: string[]): Promise<unknown> {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, CONSUL_HTTP_ADDR: server }
    return execute(this.#options.locker, ['leader', word, this.application, ...options], { env })
  }

  async #entries(server: string): Promise<ServiceEntry[]> {
    const response = await fetch(`${server}/v1/health/service/${this.application}?passing`)
    return (await response.json()) as ServiceEntry[]
  }
}

interface ServiceEntry {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly Tags: readonly string[]; readonly Meta: Readonly<Record<string, string>> }
}

function environOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}
