import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { QUICK_ELECTIONS } from '../../scripts/provide/agent-config.ts'
import { type Program, program } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from './consul-client.ts'
import { LOCKER, patiently } from './locker.ts'
import { kill, processesWith, runs } from './processes.ts'
import { removeFolder } from './remove-folder.ts'

/** What a node's services are called, as its init script knows them. */
export const BOTH = ['apache2', 'mysql']

/** What Consul calls them together, and where their cluster's roles stand. */
export const SERVICE_NAME = 'myserviceConsulName'
export const CLUSTER_KEY = `cluster/production/${SERVICE_NAME}`

/** What a node of a test cluster is made of. */
export interface ServiceNodeOptions {
  readonly name: string
  readonly datacenter?: string
  /** The serf port of an agent to join. */
  readonly join?: number
  /** A server instead of a client; it has no services. */
  readonly server?: boolean
  readonly config?: Record<string, unknown>
  /** Lines put behind the init script's own. */
  readonly extra?: readonly string[]
  /** Consul's own watches call the script; without them a test starts ours. */
  readonly watches?: boolean
}

const NGINX_FOLDERS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
const FAST_GOSSIP = { probe_interval: '200ms', probe_timeout: '150ms', gossip_interval: '50ms', suspicion_mult: 2 }

/**
 * A machine in small: a Consul agent, an init script, and two real services behind it, nginx under the name apache2
 * and redis under the name mysql, as in the document that the script comes from.
 */
export class ServiceNode {
  readonly name: string
  readonly dir: string
  readonly script: string
  readonly agent: ConsulAgent
  readonly consul: ConsulClient

  private constructor(name: string, dir: string, agent: ConsulAgent) {
    this.name = name
    this.dir = dir
    this.script = join(dir, 'myservice')
    this.agent = agent
    this.consul = new ConsulClient(agent.address)
  }

  static async start(options: ServiceNodeOptions): Promise<ServiceNode> {
    const { name, datacenter = 'dc1', join: seed, server = false } = options
    const dir = mkdtempSync(join(tmpdir(), `consul-locker-${name}-`))
    const ports = await freePorts()
    if (!server) await writeServices(dir, options.extra ?? [], `http://127.0.0.1:${ports.http}`)
    const agent = await startConsul({
      mode: 'server',
      dataDir: join(dir, 'consul'),
      node: name,
      ports,
      config: {
        datacenter,
        gossip_lan: FAST_GOSSIP,
        leave_on_terminate: false,
        performance: QUICK_ELECTIONS,
        ...(server ? {} : clientConfig(dir, options.watches ?? false, name)),
        ...(seed === undefined ? {} : { retry_join: [`127.0.0.1:${seed}`], retry_interval: '1s' }),
        ...options.config,
      },
    })
    return new ServiceNode(name, dir, agent)
  }

  /** Which of the services' processes run. */
  get running(): string[] {
    return ['apache2', 'mysql'].filter((service) => {
      const pid = pidIn(join(this.dir, service, 'pid'))
      return pid !== undefined && runs(pid)
    })
  }

  /** As a power cut: agent and services are gone at once. */
  powerOff(): void {
    this.agent.kill('SIGKILL')
    this.killServices()
  }

  killServices(): void {
    for (const service of ['apache2', 'mysql']) {
      const pid = pidIn(join(this.dir, service, 'pid'))
      if (pid !== undefined && runs(pid)) kill(service === 'apache2' ? -pid : pid)
    }
  }

  /** Starts the services behind everybody's back. */
  async bootServices(): Promise<void> {
    await this.#each('start')
  }

  async stopServices(): Promise<void> {
    await this.#each('stop')
  }

  async #each(action: 'start' | 'stop'): Promise<void> {
    for (const service of ['apache2', 'mysql'])
      await execute('/bin/sh', [join(this.dir, 'services.sh'), service, action])
  }

  /** Whether what its watches have called is done. */
  get isAtRest(): boolean {
    return processesWith(`init\0${this.script}\0`).length === 0
  }

  async stop(): Promise<void> {
    this.powerOff()
    await this.agent.stop()
    // Handlers of its watches outlive it, and wait for it to come back; what they run outlives them, and may only now
    // start a service.
    const left = () => [...processesWith(this.dir), ...this.running]
    await patiently(
      () => {
        for (const pid of processesWith(this.dir)) kill(pid)
        this.killServices()
        return left().length === 0
      },
      () => `${this.name} is stopped, and there is still ${left()}`,
    )
    removeFolder(this.dir)
  }
}

function clientConfig(dir: string, watches: boolean, name: string): Record<string, unknown> {
  const script = join(dir, 'myservice')
  const watch = (direction: string) => ({
    type: 'key',
    key: `service/myserviceConsulName/${name}/${direction}`,
    args: [LOCKER, 'init', script, direction],
  })
  return {
    server: false,
    bootstrap_expect: undefined,
    performance: undefined,
    enable_script_checks: true,
    services: [
      {
        name: 'myserviceConsulName',
        check: { args: [LOCKER, 'check', 'service', '-f', script], interval: '2s', timeout: '10s' },
      },
    ],
    ...(watches ? { watches: [watch('promote'), watch('demote')] } : {}),
  }
}

async function writeServices(dir: string, extra: readonly string[], address: string): Promise<void> {
  const { http: webPort, dns: dataPort } = await freePorts()
  for (const service of ['apache2', 'mysql']) mkdirSync(join(dir, service))
  writeFileSync(
    join(dir, 'apache2/nginx.conf'),
    `pid ${dir}/apache2/pid; error_log ${dir}/apache2/error.log; worker_processes 1; user root;
events {}
http {
  ${NGINX_FOLDERS.map((name) => `${name}_temp_path ${dir}/apache2/${name};`).join(' ')}
  access_log off; server { listen 127.0.0.1:${webPort}; }
}
`,
  )
  writeFileSync(
    join(dir, 'mysql/redis.conf'),
    `bind 127.0.0.1\nport ${dataPort}\ndaemonize yes\npidfile ${dir}/mysql/pid\ndir ${dir}/mysql\nlogfile ${dir}/mysql/log\nsave ""\n`,
  )
  writeFileSync(
    join(dir, 'services.sh'),
    serviceScript(dir, await program('nginx', 'nginx'), await program('redis-server', 'redis-server')),
  )
  writeFileSync(
    join(dir, 'myservice'),
    `#!${LOCKER} init
### BEGIN INIT INFO
# Provides:          myservice
# Required-Start:    $remote_fs $syslog
# Required-Stop:     $remote_fs $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: My clustered service.
### END INIT INFO
name: myservice
consul_service: myserviceConsulName
cluster_key: cluster/production
local_services: [apache2, mysql]
noop_lockfile: ${dir}/noop
service_command: /bin/sh ${dir}/services.sh {service} {action}
consul: { http_addr: '${address}' }
${extra.join('\n')}
`,
    { mode: 0o755 },
  )
}

/**
 * Start and stop end when the work is done, as those of Debian's packages do; one at a time, and what runs already has
 * started, as systemd has it: a test and a handler of the node's own may both start a service.
 */
function serviceScript(dir: string, nginx: Program, redis: Program): string {
  const libraries = [nginx, redis]
    .map(({ env }) => env.LD_LIBRARY_PATH ?? '')
    .filter((path) => path !== '')
    .join(':')
  return `LD_LIBRARY_PATH='${libraries}'; export LD_LIBRARY_PATH
service=$1; action=$2; pidfile=${dir}/$1/pid
[ "$service" = apache2 ] && space=' '
runs() { pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; }
until_it() { i=0; until "$@"; do i=$((i + 1)); [ $i -lt 300 ] || exit 1; sleep 0.05; done; }
stopped() { ! runs; }
[ -f ${dir}/broken ] && [ "$action" = start ] && { echo "$service is broken"; exit 1; }
[ -f ${dir}/slow ] && [ "$action-$service" = stop-mysql ] && sleep 5
[ -f ${dir}/stuck ] && [ "$action-$service" = stop-mysql ] && sleep 600
echo "$service $action" >> ${dir}/log
[ "$action" = status ] || { exec 9> ${dir}/$service/turn; flock 9; }
case $action-$service in
  start-apache2) runs || { '${nginx.path}' -c ${dir}/apache2/nginx.conf -e ${dir}/apache2/error.log 9>&- && until_it runs; } ;;
  start-mysql) runs || { '${redis.path}' ${dir}/mysql/redis.conf 9>&- && until_it runs; } ;;
  stop-*) runs && kill "$pid"; until_it stopped ;;
  status-*) echo "$space<stdout from: service $service status>"; runs || exit 3 ;;
esac
`
}

function pidIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    return undefined
  }
}
