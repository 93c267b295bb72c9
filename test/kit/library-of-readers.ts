import { expect } from 'vitest'
import { ConsulClient } from './consul-client.ts'
import { patiently, piped, type Running, startLocker } from './locker.ts'
import { uniqueName } from './unique.ts'

/** One name, with its readers and writers. */
export class Library {
  readonly consul = new ConsulClient()
  readonly name = uniqueName('shared')
  readonly key = `consul-locker-${this.name}`

  /** Says `in` when it is in, and ends with its input. */
  reader(): Running {
    return startLocker(['--shared', this.name, 'sh', '-c', 'echo in; exec cat'], piped)
  }

  writer(): Running {
    return startLocker([this.name, 'sh', '-c', 'echo in; exec cat'], piped)
  }

  async readers(): Promise<string[]> {
    const value = await this.consul.value(this.key)
    return value.startsWith('{"Readers"') ? Object.keys(JSON.parse(value).Readers) : []
  }

  async untilReadBy(count: number): Promise<string[]> {
    let readers: string[] = []
    await patiently(
      async () => {
        readers = await this.readers()
        return readers.length === count
      },
      () => `the readers are ${readers.join(', ')}`,
    )
    return readers
  }

  async leavesNothing(): Promise<void> {
    let remains: unknown[] = []
    await patiently(
      async () => {
        const response = await this.consul.request('GET', `/kv/${this.key}?keys`)
        const keys = response.status === 404 ? [] : ((await response.json()) as string[])
        remains = [...keys.filter((key) => !key.endsWith('=runs')), ...(await this.consul.sessions(this.name))]
        return remains.length === 0
      },
      () => `left at Consul: ${JSON.stringify(remains)}`,
    )
  }
}

export async function end(one: Running): Promise<void> {
  one.child.stdin?.end()
  expect(await one.ends()).toMatchObject({ code: 0 })
}
