import { ConsulClient } from './consul-client.ts'
import { patiently, piped, type Running, runLocker, startLocker } from './locker.ts'
import { uniqueName } from './unique.ts'

/** The slots of a name, as they stand at Consul. */
export class Slots {
  readonly consul = new ConsulClient()
  readonly name: string
  readonly prefix: string

  constructor(name = uniqueName('slots'), prefix = `consul-locker-${name}`) {
    this.name = name
    this.prefix = prefix
  }

  async list(): Promise<{ Limit: number; Holders: Record<string, boolean> } | undefined> {
    const value = await this.consul.value(`${this.prefix}/.lock`)
    return value === '' ? undefined : JSON.parse(value)
  }

  async holders(): Promise<string[]> {
    return Object.keys((await this.list())?.Holders ?? {})
  }

  async untilHeldBy(count: number): Promise<string[]> {
    let holders: string[] = []
    await patiently(
      async () => {
        holders = await this.holders()
        return holders.length === count
      },
      () => `the holders are ${holders.join(', ')}`,
    )
    return holders
  }

  /** Keys and sessions that are left. */
  async remains(): Promise<unknown[]> {
    const response = await this.consul.request('GET', `/kv/${this.prefix}?keys`)
    const keys = response.status === 404 ? [] : ((await response.json()) as string[])
    return [...keys.filter((key) => !key.endsWith('=runs')), ...(await this.consul.sessions(this.name))]
  }

  async leavesNothing(): Promise<void> {
    let remains: unknown[] = []
    await patiently(
      async () => {
        remains = await this.remains()
        return remains.length === 0
      },
      () => `left at Consul: ${JSON.stringify(remains)}`,
    )
  }

  start(limit: number, ...command: string[]): Running {
    return startLocker(['--slots', `${limit}`, this.name, ...command], piped)
  }

  once(limit: number, ...command: string[]) {
    return runLocker(['--no-wait', '--slots', `${limit}`, this.name, ...command])
  }
}
