import { expect } from 'vitest'
import { afterTest } from './after-test.ts'
import { type Running, startLocker } from './locker.ts'
import { client, keyOf } from './shared-consul.ts'

/** A run with these options whose command has begun: a shell that says so, and then does this. */
export async function running(
  name: string,
  script = 'exec sleep 60',
  options: readonly string[] = [],
): Promise<Running> {
  const run = startLocker([...options, name, 'sh', '-c', `echo begun $$; ${script}`])
  await run.prints(/begun/)
  return run
}

/** A session of another program's, which holds these keys. */
export async function foreign(name: string, ...keys: [key: string, value: string][]): Promise<string> {
  const session = await client.createSession({ Name: name, LockDelay: '1ms' })
  afterTest(async () => {
    await client.destroySession(session)
    for (const [key] of keys) await client.deleteKey(key)
  })
  for (const [key, value] of keys) expect(await client.acquire(key, session, value)).toBe(true)
  return session
}

export const sessionOf = async (name: string) => (await client.entry(keyOf(name)))?.Session
