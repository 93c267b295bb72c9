import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from './consul-client.ts'
import { type Ended, runLocker } from './locker.ts'
import { scratch, uniqueName } from './unique.ts'

export let agent: ConsulAgent

export let nobody: string

beforeAll(async () => {
  agent = await startConsul({ mode: 'dev', node: 'web1' })
  nobody = `http://127.0.0.1:${(await freePorts()).http}`
})

afterAll(() => agent?.stop())

/** One fleet's keys and one host's files; nobody else's. */
export class RolloutScene {
  readonly prefix = uniqueName('fleet')
  readonly versionFile = join(scratch(), 'current_version')
  readonly consul = new ConsulClient(agent.address)

  ask(words: string, input?: string, address = agent.address): Promise<Ended> {
    const [word = '', ...rest] = words.split(' ').filter((one) => one !== '')
    const own = ['pending', 'local', 'record'].includes(word) ? ['--version-file', this.versionFile] : []
    return runLocker(['rollout', word, ...rest, '--prefix', this.prefix, ...own], {
      address,
      ...(input === undefined ? {} : { input: Buffer.from(input) }),
    })
  }

  put(key: string, value: string): Promise<unknown> {
    return this.consul.request('PUT', `/kv/${this.prefix}/${key}`, value)
  }

  value(key: string): Promise<string> {
    return this.consul.value(`${this.prefix}/${key}`)
  }
}
