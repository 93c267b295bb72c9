import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LockerOptions, patiently, runLocker } from '../kit/locker.ts'
import { SecureAgent } from '../kit/secure-agent.ts'
import { Toy } from '../kit/toy-application.ts'

let agent: SecureAgent

beforeAll(async () => {
  agent = await SecureAgent.start()
})

afterAll(() => agent?.stop())

/** How one reaches the agent who may do no more than these rules allow. */
async function allowed(name: string, rules: string): Promise<LockerOptions & { env: NodeJS.ProcessEnv }> {
  const { ca, cert, key } = agent.certificates
  const token = await agent.token(name, rules)
  const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key, CONSUL_HTTP_TOKEN: token }
  return { address: agent.address, env }
}

test('a token that may not see the nodes gets no empty table, and an agent and hosts say what they can’t see', async () => {
  const toy = await Toy.make()
  const own = `key_prefix "lock/${toy.name}/" { policy = "write" } service "${toy.name}" { policy = "write" }`
  const options = await allowed(
    'blind-agent',
    `${own} agent_prefix "" { policy = "read" } session_prefix "" { policy = "write" }`,
  )
  const running = toy.start(options.address, options.env)
  await running.says(
    /warn: Consul shows this token no nodes, .* needs the ACL rules: key "lock\/.*\/leader".* node_prefix ""/,
  )
  await patiently(
    async () => (await toy.get('/role').catch(() => ({ text: '' }))).text === '"master"\n',
    () => 'it is not master',
  )
  const reader = await allowed('blind-operator', own)
  const rules = `key_prefix "lock/${toy.name}/" { policy = "write" } service "${toy.name}" { policy = "read" } node_prefix "" { policy = "read" }`
  for (const words of [['status'], ['members'], ['members', '--json'], ['step-down'], ['disable', '--node', 'x']]) {
    const asked = await runLocker(['leader', ...words, toy.name], reader)
    expect(asked).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining(rules) })
  }
  const hosts = await runLocker(['hosts', '--label', toy.name], reader)
  expect(hosts).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(
      `no services; it needs the ACL rules: service "${toy.name}" { policy = "read" } node_prefix "" { policy = "read" }`,
    ),
  })
  running.kill('SIGTERM')
  await running.ends()
})
