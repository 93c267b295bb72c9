import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ended, runLocker, startLocker } from '../kit/locker.ts'
import { SecureAgent } from '../kit/secure-agent.ts'
import { scratch } from '../kit/unique.ts'

const NAME = 'myserviceConsulName'
const RULES = readFileSync(join(import.meta.dirname, '../../examples/init/acl.hcl'), 'utf8')
  .split('\n')
  .filter((line) => /^\w/.test(line))

let agent: SecureAgent
let node: string

beforeAll(async () => {
  agent = await SecureAgent.start()
  const { Config } = await agent.ask<{ Config: { NodeName: string } }>('GET', '/agent/self')
  node = Config.NodeName
  await agent.ask('PUT', '/agent/service/register', { Name: NAME })
})

afterAll(() => agent?.stop())

/** One of the example's operations with a token; each begins with a standby that rests, and a primary that is dead. */
type Operation = (act: (...args: string[]) => Promise<Ended>, script: string) => Promise<Ended>

const OPERATIONS: Record<string, Operation> = {
  status: (act, script) => act('init', script, 'status', '--json'),
  stop: (act, script) => act('init', script, 'stop'),
  'start-primary --force': (act, script) => act('init', script, 'start-primary', '--force'),
  'promote, as a watch calls it': async (act, script) => {
    await agent.ask('PUT', `/kv/service/${NAME}/${node}/promote`)
    await act('promote', NAME, '--set', 'START')
    await act('init', script, 'promote')
    return act('promote', NAME, '--wait', 'WAIT', '--timeout', '100ms')
  },
  'check --nodns': (act, script) => act('check', 'service', '-f', script, '--nodns'),
}

async function attempt(name: string, token: string): Promise<Ended> {
  const operation = OPERATIONS[name] as Operation
  await agent.ask('DELETE', `/kv/service/${NAME}?recurse`)
  const roles = { active_nodes: ['node1'], standby_nodes: [node] }
  await agent.ask('PUT', `/kv/cluster/production/${NAME}`, roles)
  const dir = scratch()
  const script = join(dir, 'myservice')
  const runs = join(dir, 'runs')
  writeFileSync(
    join(dir, 'services.sh'),
    `case $1 in start) touch ${runs} ;; stop) rm -f ${runs} ;; status) [ -e ${runs} ] || exit 3 ;; esac`,
  )
  writeFileSync(
    script,
    `name: myservice\nconsul_service: ${NAME}\ncluster_key: cluster/production\nservice_command: sh ${dir}/services.sh {action}\n`,
  )
  const { ca, cert, key } = agent.certificates
  const env = { CONSUL_HTTP_TOKEN: token, CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key }
  return operation((...args) => runLocker(args, { address: agent.address, env }), script)
}
