import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { transact } from '../consul/txn.ts'
import { type Direction, type Flag, isFlagValue, serviceFolder } from './flags.ts'

/** What is watched, and by which command: each command has its own memory. */
export interface Watched {
  readonly service: string
  readonly node: string
  readonly direction: Direction
  readonly command: readonly string[]
}

/** The flag that a watch has dealt with last, kept beside the flags: what changes while nobody watches isn't missed. */
export class WatchMemory {
  readonly #consul: Consul
  readonly #key: string
  #isKept = true

  constructor(consul: Consul, { service, node, direction, command }: Watched) {
    const digest = process.getBuiltinModule('node:crypto').hash('sha256', JSON.stringify(command)).slice(0, 12)
    this.#consul = consul
    this.#key = `${serviceFolder(service)}${node}/watched/${direction}-${digest}`
  }

  /** `undefined` when this command has never watched before. Rejects with the signal's reason. */
  async recall(ctx: Context): Promise<Flag | undefined> {
    const reading = await this.#allowed(ctx, () => readKey(ctx, this.#consul, this.#key, { consistent: true }))
    return reading?.entry && parse(reading.entry.value)
  }

  /** Settles when Consul has it, or has refused it, which is told once. Rejects with the signal's reason. */
  async keep(ctx: Context, { value, index }: Flag): Promise<void> {
    if (!this.#isKept) return
    const text = JSON.stringify({ value, index })
    await this.#allowed(ctx, () => transact(ctx, this.#consul, [{ verb: 'set', key: this.#key, value: text }]))
  }

  async #allowed<T>(ctx: Context, task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await new Retry(this.#consul).until(ctx, task)
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== 'refused') throw thrown
      if (this.#isKept) ctx.log.warn(`a change while this watch is down will be missed: ${thrown.message}`)
      this.#isKept = false
      return undefined
    }
  }
}

function parse(text: string): Flag | undefined {
  try {
    const { value, index } = JSON.parse(text) as Partial<Flag>
    return isFlagValue(String(value)) && typeof index === 'number'
      ? { value: value as Flag['value'], index }
      : undefined
  } catch {
    return undefined
  }
}
