import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'

// The first of these tests on a fresh clone downloads Consul and etcd.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

const project = join(import.meta.dirname, '../..')
const locker = join(project, 'dist/consul-locker')
const script = join(project, 'examples/etcd-bootstrap')
const cluster = 'etcd-test'

interface Node {
  readonly name: string
  readonly endpoint: string
  readonly settings: NodeJS.ProcessEnv
}

let dir: string
let consul: ConsulAgent
let env: NodeJS.ProcessEnv
let first: Node
let nodes: Node[]
let spare: Node
let ends: Outcome[]

// Three machines come up at the same time; every test looks at what became of them.
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'etcd-bootstrap-'))
  consul = await startConsul()
  env = await environment()
  const free = [await freePorts(), await freePorts()].flatMap((one) => [one.http, one.dns, one.serf_lan, one.server])
  const ports = [...new Set(free)]
  first = node('n1', ports.shift(), ports.shift())
  const byUnit = { UNIT: 'etcd' }
  nodes = [first, node('n2', ports.shift(), ports.shift()), node('n3', ports.shift(), ports.shift(), byUnit)]
  spare = node('n4', ports.shift(), ports.shift())
  ends = await Promise.all(nodes.map((node) => bootstrap(node)))
})

afterAll(async () => {
  try {
    for (const pid of await daemons()) process.kill(pid, 'SIGTERM')
    await vi
      .waitUntil(async () => (await daemons()).length === 0, { timeout: 20_000 })
      .catch(async () => {
        for (const pid of await daemons()) process.kill(pid, 'SIGKILL')
      })
  } finally {
    await consul?.stop()
    await rm(dir, { recursive: true, force: true })
  }
})

/** PATH with an etcd that leaves its pid behind, and with a systemctl that starts etcd as a unit would. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  const etcd = await program('etcd', 'etcd-server')
  const found = [
    etcd,
    await program('etcdctl', 'etcd-client'),
    await program('curl', 'curl'),
    await program('jq', 'jq'),
  ]
  const joined = (name: string) => [...new Set(found.flatMap((one) => one.env[name]?.split(':') ?? []))].join(':')
  const libraries = joined('LD_LIBRARY_PATH')
  const bin = join(dir, 'bin')
  await mkdir(join(bin, 'hangs'), { recursive: true })
  const stand = (name: string, text: string) => writeFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  await symlink('/bin/sleep', join(bin, 'hangs', 'etcd'))
  await stand(
    'etcd',
    `echo $$ >>'${dir}/pids'
    case \${ETCD:-} in
      ends) exit 1 ;;
      hangs) exec '${bin}/hangs/etcd' 600 ;;
    esac
    exec '${etcd.path}' "$@"`,
  )
  await stand(
    'systemctl',
    `case $* in
      'start --no-block etcd') set -a; . "$ENVIRONMENT_FILE"; setsid etcd </dev/null >>"$LOG_FILE" 2>&1 & ;;
      'reset-failed etcd') ;;
      *) exit 1 ;;
    esac`,
  )
  return {
    ...process.env,
    PATH: `${bin}:${joined('PATH')}`,
    ...(libraries && { LD_LIBRARY_PATH: libraries }),
    ...(process.arch === 'arm64' && { ETCD_UNSUPPORTED_ARCH: 'arm64' }),
    CONSUL_HTTP_ADDR: consul.address,
    CHECK_INTERVAL: '1s',
    ETCDCTL_API: '3',
  }
}

function node(name: string, client = 0, peer = 0, more: NodeJS.ProcessEnv = {}): Node {
  const settings = {
    CLIENT_PORT: String(client),
    PEER_PORT: String(peer),
    DATA_DIR: join(dir, name),
    ENVIRONMENT_FILE: join(dir, `${name}.env`),
    LOG_FILE: join(dir, `${name}.log`),
    ...more,
  }
  return { name, endpoint: `http://127.0.0.1:${client}`, settings }
}

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end; `interrupt` sends it a TERM. */
async function run(command: string, args: readonly string[], more?: NodeJS.ProcessEnv, interrupt?: AbortSignal) {
  const child = spawn(command, args, { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000 })
  interrupt?.addEventListener('abort', () => child.kill('SIGTERM'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr } as Outcome
}

function bootstrap({ name, settings }: Node, more: NodeJS.ProcessEnv = {}, signal?: AbortSignal): Promise<Outcome> {
  return run(locker, [cluster, script, name], { ...settings, ...more }, signal)
}

async function etcdctl({ endpoint }: Node, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('etcdctl', ['--endpoints', endpoint, ...args])
  if (code !== 0) throw new Error(`etcdctl ${args.join(' ')} at ${endpoint}: ${stderr}`)
  return stdout.trim()
}

async function memberList(node: Node): Promise<string[][]> {
  const lines = (await etcdctl(node, 'member', 'list')).split('\n')
  return lines.map((line) => line.split(', ')).sort()
}

async function registered(query = ''): Promise<string[]> {
  const response = await fetch(`${consul.address}/v1/health/service/${cluster}?${query}`)
  const instances = (await response.json()) as { Service: { ID: string } }[]
  return instances.map(({ Service }) => Service.ID).sort()
}

/** The pids of the etcds that still run. Nobody may have reaped those that ended: a zombie runs no more. */
async function daemons(): Promise<number[]> {
  const pids = (await readFile(join(dir, 'pids'), 'utf8').catch(() => '')).split('\n').filter(Boolean)
  const running: number[] = []
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    if (/^\d+ \(etcd\) [^ZX]/.test(stat)) running.push(Number(pid))
  }
  return running
}

async function pidOf({ name }: Node): Promise<number> {
  for (const pid of await daemons()) {
    const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0')
    if (environment.includes(`ETCD_NAME=${name}`)) return pid
  }
  throw new Error(`no etcd of ${name} runs`)
}

test('of three nodes that start at the same time one starts the cluster and the others join it', () => {
  const said = ends.map(({ stderr }) => stderr).join('\n')
  expect(
    ends.map(({ code }) => code),
    said,
  ).toEqual([0, 0, 0])
  expect(said.match(/starts a new cluster/g)).toHaveLength(1)
  expect(said.match(/joins etcd-test through/g)).toHaveLength(2)
})

test('there is one cluster with three voting members, whichever of them is asked', async () => {
  const ids = new Set<string | undefined>()
  for (const one of nodes) {
    const members = await memberList(one)
    expect(members.map(([, status, name]) => `${name} ${status}`).sort()).toEqual([
      'n1 started',
      'n2 started',
      'n3 started',
    ])
    expect(members.map((member) => member.at(-1))).toEqual(['false', 'false', 'false'])
    // As text: the number is too big for JSON.parse.
    ids.add(/"cluster_id":(\d+)/.exec(await etcdctl(one, 'endpoint', 'status', '-w', 'json'))?.[1])
  }
  expect([...ids]).toEqual([expect.stringMatching(/^\d+$/)])
})

test('what is written at one member is read at the others', async () => {
  for (const writer of nodes) {
    await etcdctl(writer, 'put', 'greeting', `from ${writer.name}`)
    for (const reader of nodes) expect(await etcdctl(reader, 'get', 'greeting')).toBe(`greeting\nfrom ${writer.name}`)
  }
})

test('the daemons outlive the lock, and Consul lists them as passing', async () => {
  expect(await daemons()).toHaveLength(3)
  expect((await fetch(`${consul.address}/v1/kv/consul-locker-${cluster}`)).status).toBe(404)
  expect(await registered('passing')).toEqual(['etcd-test-n1', 'etcd-test-n2', 'etcd-test-n3'])
})

test('a member that runs already is left alone', async () => {
  const before = await daemons()
  for (const one of nodes) expect(await bootstrap(one)).toMatchObject({ code: 0 })
  expect(await daemons()).toEqual(before)
})

test.for([
  { trouble: 'whose etcd ends', etcd: 'ends', code: 12 },
  { trouble: 'that is interrupted', etcd: 'hangs', code: 143 },
])('a bootstrap $trouble leaves no process, no member and no registration', async ({ etcd, code }) => {
  const before = { members: await memberList(first), daemons: await daemons() }
  const interrupt = new AbortController()
  const end = bootstrap(spare, { ETCD: etcd }, interrupt.signal)
  if (etcd === 'hangs') {
    await vi.waitUntil(async () => (await daemons()).length > before.daemons.length, { timeout: 60_000 })
    interrupt.abort()
  }
  expect(await end).toMatchObject({ code })
  expect({ members: await memberList(first), daemons: await daemons() }).toEqual(before)
  expect(await registered()).toEqual(['etcd-test-n1', 'etcd-test-n2', 'etcd-test-n3'])
})

test('a member that was stopped comes back with its data', async () => {
  await etcdctl(first, 'put', 'greeting', 'kept')
  const pid = await pidOf(first)
  process.kill(pid, 'SIGTERM')
  await vi.waitUntil(async () => !(await daemons()).includes(pid), { timeout: 20_000 })
  expect(await bootstrap(first)).toMatchObject({ code: 0, stderr: expect.stringContaining('starting it again') })
  await vi.waitUntil(
    () =>
      etcdctl(first, 'get', 'greeting').then(
        (text) => text === 'greeting\nkept',
        () => false,
      ),
    { timeout: 60_000 },
  )
})

test('without the lock the script refuses', async () => {
  const { code, stderr } = await run(script, ['n4'], { ...spare.settings, CLUSTER: cluster })
  expect({ code, stderr }).toMatchObject({ code: 10, stderr: expect.stringContaining('under a lock') })
  expect(await registered()).not.toContain('etcd-test-n4')
})
