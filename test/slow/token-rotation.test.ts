import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOCKER, patiently, type Running, startLocker } from '../kit/locker.ts'
import { ROOT_TOKEN, SecureAgent } from '../kit/secure-agent.ts'
import { startTarget } from '../kit/target.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

let agent: SecureAgent

beforeAll(async () => {
  agent = await SecureAgent.start()
})

afterAll(() => agent?.stop())

const RULES = `key_prefix "" { policy = "write" } session_prefix "" { policy = "write" }
  service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }`

/** A token in a file that will be another one. */
class Rotation {
  readonly file = join(scratch(), 'token')
  readonly #name: string

  private constructor(name: string) {
    this.#name = name
  }

  static async begin(name: string): Promise<Rotation> {
    const rotation = new Rotation(name)
    writeFileSync(rotation.file, await agent.token(`${name}-1`, RULES))
    return rotation
  }

  /**
   * Consul forgets the old token, and later the new one is in the file: most do it the other way round. Meanwhile the
   * old one is refused.
   */
  async happen(meanwhile: () => Promise<unknown>): Promise<void> {
    await agent.revoke(`${this.#name}-1`)
    await meanwhile()
    writeFileSync(this.file, await agent.token(`${this.#name}-2`, RULES))
  }

  start(words: readonly string[], over: NodeJS.ProcessEnv = {}): Running {
    const { ca, cert, key } = agent.certificates
    const env = {
      CONSUL_CACERT: ca,
      CONSUL_CLIENT_CERT: cert,
      CONSUL_CLIENT_KEY: key,
      CONSUL_HTTP_TOKEN_FILE: this.file,
      ...over,
    }
    return startLocker(words, { address: agent.address, env, stdio: ['pipe', 'pipe', 'pipe'] })
  }
}

describe('a token file that is replaced', { timeout: 60_000 }, () => {
  const short = ['--ttl', '10s', '--renew', '1s']

  test('while a lock is held: the command lives on', async () => {
    const name = uniqueName('rotated')
    const rotation = await Rotation.begin(name)
    // Nothing listens there: only the runner can answer.
    const fresh = 'CONSUL_HTTP_ADDR=127.0.0.1:1 "$L" verify --remaining 8s 2>/dev/null'
    const script = `until ${fresh}; do sleep 0.1; done; echo began; while ${fresh}; do sleep 0.1; done; echo refused
until ${fresh}; do sleep 0.1; done; echo prolonged; exit 5`
    const runner = rotation.start([...short, name, 'sh', '-c', script], { L: LOCKER })
    await runner.prints(/began/)
    await rotation.happen(() => runner.prints(/refused/))
    await runner.prints(/prolonged/)
    expect(await runner.ends()).toMatchObject({ code: 5, stderr: '' })
    expect(await agent.remains(name)).toEqual([])
  })

  test('just when a lock is to be given back: it is', async () => {
    const name = uniqueName('rotated')
    const rotation = await Rotation.begin(name)
    const runner = rotation.start([...short, name, 'sh', '-c', 'echo began; read -r line; exit 5'], { DEBUG: '1' })
    await runner.prints(/began/)
    await rotation.happen(async () => {
      runner.child.stdin?.end('\n')
      await runner.says(/403 PUT \/v1\/txn/)
    })
    const { code, stderr } = await runner.ends()
    expect(code).toBe(5)
    expect(stderr).not.toContain('could not be given back')
    expect(await agent.remains(name)).toEqual([])
  })

  test('before a runner is killed: the guardian gives the lock back', async () => {
    const name = uniqueName('rotated')
    const rotation = await Rotation.begin(name)
    const runner = rotation.start([...short, name, 'sh', '-c', 'echo began; read -r line'])
    await runner.prints(/began/)
    await rotation.happen(async () => {})
    runner.kill('SIGKILL')
    await patiently(
      async () => (await agent.remains(name)).length === 0,
      () => 'the lock is still held',
    )
  })

  test('while a contender waits: it waits on, and gets the lock', async () => {
    const name = uniqueName('rotated')
    const rotation = await Rotation.begin(name)
    const holder = rotation.start([name, 'sh', '-c', 'echo began; read -r line'], {
      CONSUL_HTTP_TOKEN_FILE: undefined,
      CONSUL_HTTP_TOKEN: ROOT_TOKEN,
    })
    await holder.prints(/began/)
    const waiter = rotation.start([...short, name, 'echo', 'ran'], { DEBUG: '1' })
    await waiter.says(/waiting for/)
    await rotation.happen(() => waiter.says(/403 PUT \/v1\/session\/renew/))
    holder.child.stdin?.end('\n')
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await agent.remains(name)).toEqual([])
  })

  test('while a service is watched: it stays in Consul', async () => {
    const label = uniqueName('rotated')
    const rotation = await Rotation.begin(label)
    const target = await startTarget()
    const id = ['--label', label, '--service-id', 'a', '--interval', '0.3s']
    const healthy = () => agent.ask<unknown[]>('GET', `/health/service/${label}?passing`)
    const monitor = rotation.start(['monitor', ...id, '--monitor-url', target.url], { DEBUG: '1' })
    await monitor.says(/is up/)
    await expect.poll(healthy, { timeout: 20_000 }).toHaveLength(1)
    await rotation.happen(() => monitor.says(/403 PUT \/v1\/agent\/check/))
    expect(await healthy()).toHaveLength(1)
    // What it tells Consul from now on, the new token tells.
    target.status = 500
    await expect.poll(healthy, { timeout: 20_000 }).toEqual([])
    target.status = 200
    await expect.poll(healthy, { timeout: 20_000 }).toHaveLength(1)
    expect(monitor.hasEnded).toBe(false)
    monitor.kill('SIGTERM')
    expect(await monitor.ends()).toMatchObject({ code: 0 })
    await expect.poll(() => agent.ask('GET', `/health/service/${label}`), { timeout: 20_000 }).toEqual([])
  })
})
