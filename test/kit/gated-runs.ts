import { expect } from 'vitest'
import { patiently, type Running, startLocker } from './locker.ts'
import { processesWith } from './processes.ts'
import { client } from './shared-consul.ts'
import { uniqueName } from './unique.ts'

export interface GatedRun {
  readonly name: string
  /** The key that the gate waits for. */
  readonly gate: string
  readonly open: () => Promise<unknown>
  readonly shut: () => Promise<unknown>
  /** The gate's state with the lock's: what is left of it. */
  readonly remains: () => Promise<unknown[]>
}

export function gatedRun(): GatedRun {
  const name = uniqueName('gated')
  const key = `gate/${name}`
  return {
    name,
    gate: `kv:${key}`,
    open: () => client.request('PUT', `/kv/${key}`, 'x'),
    shut: () => client.deleteKey(key),
    remains: () => client.remains(name),
  }
}

export const startGated = (words: string[], env: NodeJS.ProcessEnv = {}) =>
  startLocker([...words, 'echo', 'ran'], { env })

/** A run whose command has succeeded, and that keeps its lock. */
export async function lingering(words: string[], name: string): Promise<Running> {
  const run = startGated([...words, name])
  await run.prints(/ran/)
  await run.says(/keeping the lock until/)
  expect((await client.entry(`consul-locker-${name}`))?.Session).toBeTruthy()
  return run
}

/** Waits until nothing runs that has a text in its command line or environment. */
export async function nothingRunsWith(text: string): Promise<void> {
  await patiently(
    () => processesWith(text).length === 0,
    () => `these run: ${processesWith(text)}`,
  )
}
