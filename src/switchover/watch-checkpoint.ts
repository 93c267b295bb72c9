import * as v from 'valibot'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { storedAs } from '../consul/stored-value.ts'
import { transact } from '../consul/txn.ts'
import { type Direction, FLAG_VALUES, type Flag, serviceFolder } from './flags.ts'

/** What is watched, and by which command: each command has its own memory. */
export interface FlagWatch {
  readonly service: string
  readonly node: string
  readonly direction: Direction
  readonly command: readonly string[]
}

/** As it stands in Consul. */
interface Memory {
  readonly value?: Flag['value'] | undefined
  readonly index?: number | undefined
  readonly interrupted?: boolean
}

/** What a watch remembers of the last one. */
export interface Checkpoint {
  /** The flag that was dealt with last; `undefined`: there was none yet. */
  readonly known: Flag | undefined
  /** Whether a change after that one was begun with, and perhaps not carried through. */
  readonly isInterrupted: boolean
}

/** The flag that a watch has dealt with last, kept beside the flags: what changes while nobody watches isn't missed. */
export class WatchCheckpoint {
  readonly #consul: Consul
  readonly #key: string
  #isKept = true

  constructor(consul: Consul, { service, node, direction, command }: FlagWatch) {
    const digest = process.getBuiltinModule('node:crypto').hash('sha256', JSON.stringify(command)).slice(0, 12)
    this.#consul = consul
    this.#key = `${serviceFolder(service)}${node}/watched/${direction}-${digest}`
  }

  /** Rejects with the signal's reason. */
  async load(ctx: Context): Promise<Checkpoint> {
    const reading = await this.#allowed(ctx, () => readKey(ctx, this.#consul, this.#key, { consistent: true }))
    return parse(reading?.entry?.value ?? '')
  }

  /** Before a change after this flag is dealt with. Settles and rejects as `keep` does. */
  begin(ctx: Context, known: Flag | undefined): Promise<void> {
    return this.#write(ctx, { value: known?.value, index: known?.index, interrupted: true })
  }

  /** Settles when Consul has it, or has refused it, which is told once. Rejects with the signal's reason. */
  save(ctx: Context, { value, index }: Flag): Promise<void> {
    return this.#write(ctx, { value, index })
  }

  async #write(ctx: Context, memory: Memory): Promise<void> {
    if (!this.#isKept) return
    const text = JSON.stringify(memory)
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

const MEMORY = v.object({
  value: v.optional(v.picklist(FLAG_VALUES)),
  index: v.optional(v.number()),
  interrupted: v.optional(v.boolean(), false),
})

function parse(text: string): Checkpoint {
  const { value, index, interrupted = false } = storedAs(MEMORY, text) ?? {}
  const known = value === undefined || index === undefined ? undefined : { value, index }
  return { known, isInterrupted: interrupted }
}
