import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FaultProxy } from '../../scripts/provide/fault-proxy.ts'
import { BRIEF_TROUBLES, type Trouble } from '../../scripts/provide/trouble.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, type Running, startLocker } from '../kit/locker.ts'
import { type Proxy as CountingProxy, startProxy } from '../kit/proxy.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

interface Case {
  readonly trouble: Trouble
  readonly seconds: number
}

const CASES: readonly Case[] = BRIEF_TROUBLES.flatMap((trouble) => [2, 8].map((seconds) => ({ trouble, seconds })))

const ENDLESS: readonly Case[] = BRIEF_TROUBLES.map((trouble) => ({ trouble, seconds: 60 }))

/** A lock behind a proxy of its own. */
class Wire {
  readonly name = uniqueName('wire')
  readonly key = `consul-locker-${this.name}`
  readonly dir = scratch()
  readonly consul = new ConsulClient()
  readonly proxy: FaultProxy
  readonly #agent: CountingProxy

  private constructor(proxy: FaultProxy, agent: CountingProxy) {
    this.proxy = proxy
    this.#agent = agent
    onTestFinished(() => proxy[Symbol.asyncDispose]())
  }

  static async start(): Promise<Wire> {
    const agent = await startProxy()
    return new Wire(await FaultProxy.start(agent.address), agent)
  }

  /** Starts a run of a shell script that may wait for a file, `go`. */
  run(script: string, ...args: string[]): Running {
    const shell = 'wait_for() { until [ -e "$1" ]; do sleep 0.05; done; }; '
    return startLocker([...args, this.name, 'sh', '-c', shell + script], {
      address: this.proxy.address,
      cwd: this.dir,
    })
  }

  go(): void {
    writeFileSync(join(this.dir, 'go'), '')
  }

  /** Waits until the lease is renewed, from now on. */
  async renews(): Promise<void> {
    const { requests } = this.#agent
    const before = requests.length
    await patiently(
      () => requests.slice(before).some((request) => request.includes('/v1/session/renew/')),
      () => `no renewal: ${requests.slice(before)}`,
    )
  }

  async makeTrouble({ trouble, seconds }: Case): Promise<void> {
    this.proxy.begin(trouble)
    // How long it lasts is the case itself: less than the lease, or as long as the test.
    await delay(seconds * 1000, undefined, { ref: false })
    await this.proxy.end()
  }
}

/** Goes through a story with every trouble, all at once, and says how each ended. */
async function withEach<T>(cases: readonly Case[], story: (wire: Wire, one: Case) => Promise<T>) {
  const endOf = async (one: Case) => {
    const wire = await Wire.start()
    const label = `${one.trouble} for ${one.seconds} s`
    return [label, await story(wire, one).catch((error: Error) => error.message)] as const
  }
  return Object.fromEntries(await Promise.all(cases.map(endOf)))
}

function all<T>(cases: readonly Case[], end: T): Record<string, T> {
  return Object.fromEntries(cases.map(({ trouble, seconds }) => [`${trouble} for ${seconds} s`, end]))
}

describe('trouble on the wire is not a verdict', { timeout: 90_000 }, () => {
  test('while a contender waits: it goes on waiting, and gets the lock', async () => {
    const ends = await withEach(CASES, async (wire, one) => {
      const other = await wire.consul.createSession({ Name: 'somebody', TTL: '60s' })
      await wire.consul.acquire(wire.key, other, 'somebody')
      const waiter = wire.run('echo ran; exit 7')
      await waiter.says(/waiting for/)
      const trouble = wire.makeTrouble(one)
      // Set free behind its back.
      if (one.seconds > 2) await wire.consul.release(wire.key, other)
      await trouble
      const patient = !waiter.hasEnded
      await wire.consul.release(wire.key, other)
      await wire.consul.destroySession(other)
      const { code, stdout } = await waiter.ends()
      return { patient, code, stdout, remains: await wire.consul.remains(wire.name) }
    })
    expect(ends).toEqual(all(CASES, { patient: true, code: 7, stdout: 'ran\n', remains: [] }))
  })

  test('while a holder holds: its command lives on, but no foreign answer prolongs its lease', async () => {
    const [ends, deceived] = await Promise.all([
      withEach(CASES, async (wire, one) => {
        const holder = wire.run('echo began; wait_for go; echo ended; exit 7', '--renew', '2s')
        await holder.prints(/began/)
        const session = await wire.consul.holder(wire.key)
        await wire.makeTrouble(one)
        await wire.renews()
        const same = (await wire.consul.entry(wire.key))?.Session === session
        wire.go()
        const { code, stdout } = await holder.ends()
        return { same, code, stdout, remains: await wire.consul.remains(wire.name) }
      }),
      withEach(ENDLESS, async (wire, { trouble }) => {
        const holder = wire.run('echo began; while date +%s.%N >beat; do sleep 0.1; done', '--ttl', '10s')
        await holder.prints(/began/)
        const session = await wire.consul.holder(wire.key)
        const cutOffAt = Date.now() / 1000
        wire.proxy.begin(trouble)
        await wire.consul.destroySession(session)
        const { code } = await holder.ends()
        const lived = Number(readFileSync(join(wire.dir, 'beat'), 'utf8')) - cutOffAt
        return { code, lived: lived < 10 + 2 ? 'until the deadline' : lived }
      }),
    ])
    expect(ends).toEqual(all(CASES, { same: true, code: 7, stdout: 'began\nended\n', remains: [] }))
    expect(deceived).toEqual(all(ENDLESS, { code: 6, lived: 'until the deadline' }))
  })

  test('while a lock is given back: that is tried until the lease is over, and then costs a warning', async () => {
    const cases = [...CASES, ...ENDLESS]
    const ends = await withEach(cases, async (wire, one) => {
      const holder = wire.run('echo began; wait_for go; exit 7', '--ttl', one.seconds > 8 ? '10s' : '15s')
      await holder.prints(/began/)
      const trouble = wire.makeTrouble(one)
      wire.go()
      const { code, stdout, stderr } = await holder.ends()
      const warned = stderr.includes('the lock could not be given back')
      if (one.seconds > 8) return { code, stdout, isRight: warned }
      await trouble
      return { code, stdout, isRight: !warned && (await wire.consul.remains(wire.name)).length === 0 }
    })
    expect(ends).toEqual(all(cases, { code: 7, stdout: 'began\n', isRight: true }))
  })
})
