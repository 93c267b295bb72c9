import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ConsulOptions, startConsul } from '../../../scripts/provide/agent.ts'
import { removeFolder } from '../../kit/remove-folder.ts'

const script = join(import.meta.dirname, '../../../scripts/consul')
const limitMs = 120_000
// The first of these tests on a fresh clone downloads Consul.
vi.setConfig({ testTimeout: limitMs, hookTimeout: limitMs })

let dir: string
let children: ChildProcess[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'consul-script-test-'))
  mkdirSync(join(dir, 'tmp'))
  children = []
})

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  removeFolder(dir)
})

/** Starts `scripts/consul` with a temporary directory of its own and resolves once it has printed its address. */
async function launch(...args: string[]): Promise<{ child: ChildProcess; address: string }> {
  const env = { ...process.env, TMPDIR: join(dir, 'tmp') }
  const child = spawn(script, args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  const [address] = await once(createInterface({ input: child.stdout }), 'line', {
    signal: AbortSignal.timeout(limitMs),
  })
  return { child, address }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal)
  const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(limitMs) })
  return code
}

/** The processes whose command line mentions `text`. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(text))
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

async function kv(address: string, value?: string): Promise<string> {
  const init = { signal: AbortSignal.timeout(10_000), ...(value && { method: 'PUT', body: value }) }
  return (await fetch(`${address}/v1/kv/test?raw`, init)).text()
}

describe('scripts/consul path', () => {
  test('prints the path of a binary that is Consul', () => {
    const path = execFileSync(script, ['path'], { encoding: 'utf8', timeout: limitMs }).trim()
    expect(execFileSync(path, ['version'], { encoding: 'utf8' })).toMatch(/^Consul v\d/)
  })

  test('says in one sentence how to install Consul on a machine without Consul and apt', () => {
    for (const tool of ['sh', 'dirname', 'uname']) symlinkSync(`/usr/bin/${tool}`, join(dir, tool))
    const env = { PATH: dir, DEBIAN_CACHE: join(dir, 'cache') }
    const { status, stdout, stderr } = spawnSync(script, ['path'], { env, encoding: 'utf8', timeout: limitMs })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(
      /^No Consul found: install one \(.*apt-get install consul.*\), or point CONSUL_BIN at it\.\n$/,
    )
  })

  test('names a CONSUL_BIN that is not there', () => {
    const env = { ...process.env, CONSUL_BIN: join(dir, 'consul') }
    const { status, stderr } = spawnSync(script, ['path'], { env, encoding: 'utf8', timeout: limitMs })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^CONSUL_BIN is ".*", but there is no executable file of that name\.\n$/)
  })
})

describe('scripts/consul dev', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'prints an address that accepts sessions, and %s leaves nothing',
    async (signal) => {
      const { child, address } = await launch('dev')
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      const session = await fetch(`${address}/v1/session/create`, {
        method: 'PUT',
        signal: AbortSignal.timeout(10_000),
      })
      expect(session.status).toBe(200)
      expect(processesWith(dir)).not.toEqual([])
      expect(await stop(child, signal)).toBe(0)
      expect(processesWith(dir)).toEqual([])
      expect(readdirSync(join(dir, 'tmp'))).toEqual([])
    },
  )

  test('prints an address where ACLs forbid sessions without a token, and with one they are accepted', async () => {
    const acl = 'acl { enabled = true default_policy = "deny" tokens { master = "root" } }'
    const { address } = await launch('dev', '--', '-hcl', acl)
    const create = async (token: string) => {
      const [headers, signal] = [{ 'x-consul-token': token }, AbortSignal.timeout(10_000)]
      return (await fetch(`${address}/v1/session/create`, { method: 'PUT', headers, signal })).status
    }
    expect(await create('')).toBe(403)
    await expect.poll(() => create('root')).toBe(200)
  })

  test('leaves nothing when it is killed', async () => {
    const { child } = await launch('dev')
    await stop(child, 'SIGKILL')
    await vi.waitFor(() => expect(processesWith(dir)).toEqual([]), { timeout: 20_000, interval: 100 })
    expect(readdirSync(join(dir, 'tmp'))).toEqual([])
  })
})

describe('scripts/consul server', () => {
  test('keeps its data and its ports over a restart', async () => {
    const first = await launch('server', '--data', join(dir, 'data'))
    expect(await kv(first.address, 'kept')).toBe('true')
    expect(await stop(first.child, 'SIGTERM')).toBe(0)
    const second = await launch('server', '--data', join(dir, 'data'))
    expect(second.address).toBe(first.address)
    expect(await kv(second.address)).toBe('kept')
  })
})

describe('an agent', () => {
  async function withAgent(
    options: ConsulOptions,
    work: (agent: Awaited<ReturnType<typeof startConsul>>) => Promise<void>,
  ) {
    const agent = await startConsul(options)
    try {
      await work(agent)
    } finally {
      await agent.stop()
    }
    expect(existsSync(agent.logFile)).toBe(false)
  }

  test('comes back with its data after it was killed', () =>
    withAgent({ mode: 'server' }, async (agent) => {
      await kv(agent.address, 'kept')
      agent.kill('SIGKILL')
      await agent.exited()
      await agent.restart()
      expect(await kv(agent.address)).toBe('kept')
    }))

  test('is refused a port that another one has', () =>
    withAgent({}, async ({ ports }) => {
      await expect(startConsul({ ports: { http: ports.http } })).rejects.toThrow(`http=${ports.http}`)
    }))

  test('that ends at once tells why', async () => {
    await expect(startConsul({ config: { nonsense: true } })).rejects.toThrow(/has ended.*invalid config key nonsense/s)
  })

  test('merges settings and opens the ports that are asked for', () =>
    withAgent({ config: { datacenter: 'east' }, ports: { grpc: 0 }, node: 'web1' }, async ({ address, ports }) => {
      expect(ports.grpc).toBeGreaterThan(0)
      const self = await (await fetch(`${address}/v1/agent/self`)).json()
      expect(self).toMatchObject({ Config: { Datacenter: 'east', NodeName: 'web1' } })
    }))
})
