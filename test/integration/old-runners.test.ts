import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { afterTest } from '../kit/after-test.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

/** `consul lock`'s, which is more than a number of JavaScript's can tell. */
const LOCK_FLAGS = '3304740253564472344'

const inBase64 = (text: string) => Buffer.from(text).toString('base64')

/** The requests of a runner of version 0.1.0: no history, no pauses, empty entries in the line. */
class OldRunner {
  readonly #consul = new ConsulClient()
  readonly #key: string
  readonly #session: string

  private constructor(name: string, session: string) {
    this.#key = `consul-locker-${name}`
    this.#session = session
  }

  static async start(name: string): Promise<OldRunner> {
    const consul = new ConsulClient()
    const session = await consul.createSession({ Name: `consul-locker ${name} 4711`, TTL: '15s', LockDelay: '24000ms' })
    afterTest(async () => void (await consul.destroySession(session)))
    return new OldRunner(name, session)
  }

  /** Tries once, as who comes new: only while nobody is in line. Settles with whether the lock is its own. */
  claim(): Promise<boolean> {
    return this.#does(this.#lock(), `{"KV":{"Verb":"check-not-exists","Key":"${this.#key}=queue"}}`)
  }

  /** Tries once, as the first in line. */
  async claimInLine(): Promise<boolean> {
    return (await this.ahead()) === 0 && (await this.#does(this.#lock(), this.#kv('delete', this.#place)))
  }

  /** Goes to the end of the line. */
  enterLine(): Promise<boolean> {
    return this.#does(
      `{"KV":{"Verb":"lock","Key":"${this.#place}","Value":"","Session":"${this.#session}"}}`,
      `{"KV":{"Verb":"set","Key":"${this.#key}=queue","Value":"${inBase64(this.#session)}"}}`,
    )
  }

  /** How many are in line before it: those whose entry is held by the session that it is named by, and older. */
  async ahead(): Promise<number> {
    const response = await this.#consul.request('GET', `/kv/${this.#key}=queue/?recurse&consistent`)
    const entries = response.status === 404 ? [] : ((await response.json()) as Place[])
    const living = entries.filter(({ Key, Session }) => Key === `${this.#key}=queue/${Session}`)
    const ours = living.find(({ Session }) => Session === this.#session)
    return living.filter((one) => ours === undefined || one.CreateIndex < ours.CreateIndex).length
  }

  release(): Promise<boolean> {
    const ours = `{"KV":{"Verb":"check-session","Key":"${this.#key}","Session":"${this.#session}"}}`
    return this.#does(ours, this.#kv('delete', this.#key))
  }

  get #place(): string {
    return `${this.#key}=queue/${this.#session}`
  }

  #kv(verb: string, key: string): string {
    return `{"KV":{"Verb":"${verb}","Key":"${key}"}}`
  }

  #lock(): string {
    const record = {
      host: hostname(),
      pid: 4711,
      user: 'root',
      command: ['./old.sh'],
      since: new Date().toISOString(),
      runId: '9ab98b35-3735-4010-a43b-bfe24e300793',
      lockDelayMs: 24_000,
    }
    const value = inBase64(JSON.stringify(record))
    const lock = `"Value":"${value}","Flags":${LOCK_FLAGS},"Session":"${this.#session}"`
    return `${this.#kv('check-not-exists', this.#key)},{"KV":{"Verb":"lock","Key":"${this.#key}",${lock}}}`
  }

  async #does(...steps: string[]): Promise<boolean> {
    return (await this.#consul.request('PUT', '/txn', `[${steps.join()}]`)).ok
  }
}

interface Place {
  readonly Key: string
  readonly Session?: string
  readonly CreateIndex: number
}

const piped = { stdio: ['pipe', 'pipe', 'pipe'] as 'pipe'[] }

describe.concurrent('a runner of version 0.1.0 on the same name', () => {
  test('keeps us out while it holds, and lets us in when it has done', async () => {
    const name = uniqueName('old')
    const old = await OldRunner.start(name)
    expect(await old.claim()).toBe(true)
    expect(await runLocker(['--no-wait', name, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
    const ours = startLocker([name, 'echo', 'ran'])
    await ours.says(/held by \S+ \(.*old\.sh/)
    expect(await old.release()).toBe(true)
    expect(await ours.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await new ConsulClient().remains(name)).toHaveLength(1) // Its session.
  })

  test('is kept out while we hold, and gets in when we have done, whatever history we leave', async () => {
    const name = uniqueName('old')
    const old = await OldRunner.start(name)
    const ours = startLocker([name, 'cat'], piped)
    await new ConsulClient().holder(`consul-locker-${name}`)
    expect(await old.claim()).toBe(false)
    ours.child.stdin?.end()
    expect(await ours.ends()).toMatchObject({ code: 0, stderr: '' })
    expect(await new ConsulClient().value(`consul-locker-${name}=runs`)).toContain('"code":0')
    expect(await old.claim()).toBe(true)
  })

  test('that is in line before us is served before us', async () => {
    const name = uniqueName('old')
    const [holder, old] = [await OldRunner.start(name), await OldRunner.start(name)]
    expect(await holder.claim()).toBe(true)
    expect(await old.enterLine()).toBe(true)
    const ours = startLocker([name, 'echo', 'ran'])
    await ours.says(/2nd in line/)
    expect([await old.ahead(), await holder.release(), await old.claimInLine()]).toEqual([0, true, true])
    expect(ours.stdout).toBe('')
    expect(await old.release()).toBe(true)
    expect(await ours.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
  })

  test('that is in line behind us waits until we have done', async () => {
    const name = uniqueName('old')
    const [holder, old] = [await OldRunner.start(name), await OldRunner.start(name)]
    expect(await holder.claim()).toBe(true)
    const ours = startLocker([name, 'cat'], piped)
    await ours.says(/held by/)
    await patiently(
      async () => (await old.ahead()) === 1,
      () => 'we are not in line',
    )
    expect([await old.enterLine(), await old.ahead(), await old.claimInLine()]).toEqual([true, 1, false])
    expect(await holder.release()).toBe(true)
    await patiently(
      async () => (await old.ahead()) === 0,
      () => 'we are in line for ever',
    )
    expect(await old.claimInLine()).toBe(false)
    ours.child.stdin?.end()
    expect(await ours.ends()).toMatchObject({ code: 0 })
    expect(await old.claimInLine()).toBe(true)
  })
})
