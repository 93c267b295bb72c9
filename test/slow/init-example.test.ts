import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { LOCKER, patiently } from '../kit/locker.ts'
import { kill, processesWith } from '../kit/processes.ts'
import { removeFolder } from '../kit/remove-folder.ts'

vi.setConfig({ testTimeout: 120_000 })

const PROJECT = join(import.meta.dirname, '../..')
const README = readFileSync(join(PROJECT, 'examples/init/README.md'), 'utf8')
const SECTION = README.split(/^## /m).find((text) => text.startsWith('From nothing to a switch')) ?? ''

/** The section's blocks of one language, in their order. */
const blocks = (language: string) =>
  [...SECTION.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text)

// A service runs while its file is there. The machine's own service command is found by what it runs on.
const SERVICE = 'f=$(dirname "$0")/../services'
const SERVICES = {
  service: `${SERVICE}; case $2 in start) : > $f/$1 ;; stop) rm $f/$1 ;; *) [ -f $f/$1 ] && echo active || exit 3 ;; esac`,
  systemctl: `${SERVICE}; case $1 in start) : > $f/$2 ;; stop) rm $f/$2 ;; is-active) [ -f $f/$2 ] && echo active || exit 3 ;; esac`,
}

/** A machine whose folders of the system lie in a folder of ours, so that the README's commands find them there. */
class Machine {
  readonly dir = mkdtempSync(join(tmpdir(), 'consul-locker-example-'))
  agent!: ConsulAgent

  /** `seed` is the port of an agent to join. */
  async start(node: string, seed?: number): Promise<void> {
    for (const folder of ['init.d', 'consul', 'bin', 'examples', 'services']) mkdirSync(join(this.dir, folder))
    for (const [name, script] of Object.entries(SERVICES)) {
      writeFileSync(join(this.dir, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    }
    const ports = await freePorts()
    cpSync(join(PROJECT, 'examples/init'), join(this.dir, 'examples/init'), { recursive: true })
    for (const name of ['myservice', 'consul/service_myService.json']) {
      const file = join(this.dir, 'examples/init', name)
      const address = `consul: { http_addr: '127.0.0.1:${ports.http}' }`
      const text = this.here(readFileSync(file, 'utf8')).replace('"interval": "10s"', '"interval": "1s"')
      writeFileSync(file, text.replace(/^# consul:$/m, address))
    }
    const client = { server: false, bootstrap_expect: undefined, performance: undefined }
    const joins = { ...client, retry_join: [`127.0.0.1:${seed}`], retry_interval: '1s' }
    vi.stubEnv('PATH', this.path)
    this.agent = await startConsul({
      mode: 'server',
      dataDir: join(this.dir, 'data'),
      node,
      ports,
      config: { leave_on_terminate: false, ...(seed === undefined ? {} : joins) },
      args: ['-config-dir', join(this.dir, 'consul')],
    })
  }

  get path(): string {
    return `${this.dir}/bin:${process.env.PATH?.split(':')
      .filter((folder) => !folder.startsWith(tmpdir()))
      .join(':')}`
  }

  /** Text that names folders of the system, with ours in their place. */
  here(text: string): string {
    const places = {
      '/usr/local/bin': 'bin',
      '/etc/init.d': 'init.d',
      '/etc/consul/': 'consul/',
      '/run/myservice.noop': 'noop',
    }
    const moved = Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, join(this.dir, to)), text)
    return moved.replaceAll('dist/consul-locker', LOCKER)
  }

  /** Runs commands of the README. */
  run(text: string): Promise<string> {
    const env = {
      ...process.env,
      PATH: `${this.path}:${dirname(this.agent.binary)}`,
      CONSUL_HTTP_ADDR: this.agent.address,
    }
    return execute('sh', ['-ec', this.here(text)], { env, cwd: this.dir })
  }

  async restart(): Promise<void> {
    vi.stubEnv('PATH', this.path)
    this.agent.kill('SIGKILL')
    await this.agent.restart()
  }
}

const machines = new Map(['node1', 'node2'].map((node) => [node, new Machine()]))

function machine(node: string): Machine {
  const found = machines.get(node)
  if (!found) throw new Error(`the README has no machine ${node}`)
  return found
}

afterAll(async () => {
  for (const { agent, dir } of machines.values()) {
    await agent?.stop()
    for (const pid of processesWith(dir)) kill(pid)
    removeFolder(dir)
  }
  vi.unstubAllEnvs()
})

test.runIf(process.getuid?.() === 0)(
  'the README takes an operator from nothing to a switch, word for word',
  async () => {
    await machine('node1').start('node1')
    await machine('node2').start('node2', machine('node1').agent.ports.serf_lan)
    const [programs = '', watches = '', roles = ''] = blocks('sh')
    for (const machine of machines.values()) {
      await machine.run(programs)
      await machine.run(watches)
      await machine.restart()
    }
    await machine('node1').run(roles)
    for (const [, node = '', command = '', output] of sessions()) {
      const isStatus = command.endsWith(' status') // What the checks say comes in time.
      const says = async () => {
        const said = await machine(node).run(command)
        if (!isStatus) expect(said).toBe(output)
        return said === output
      }
      await patiently(says, () => `${node}# ${command} does not come to say ${output}`)
    }
    await expect(machine('node1').run('/etc/init.d/myservice status')).rejects.toThrow(/ failed \(3\)/)
  },
)

/** Each command with its node and its output. */
function sessions(): RegExpMatchArray[] {
  const prompt = /^(node\d)# (.*)\n((?:(?!node\d# ).*\n)*)/gm
  return blocks('console').flatMap((block) => [...block.matchAll(prompt)])
}
