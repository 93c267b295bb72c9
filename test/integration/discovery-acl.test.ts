import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LockerOptions, runLocker, startLocker } from '../kit/locker.ts'
import { SecureAgent } from '../kit/secure-agent.ts'
import { startTarget } from '../kit/target.ts'

let agent: SecureAgent

beforeAll(async () => {
  agent = await SecureAgent.start()
})

afterAll(() => agent?.stop())

/** How one reaches the agent who may do no more than these rules allow. */
async function allowed(name: string, rules: string): Promise<LockerOptions> {
  const { ca, cert, key } = agent.certificates
  const token = await agent.token(name, rules)
  const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key, CONSUL_HTTP_TOKEN: token }
  return { address: agent.address, env }
}

const READS = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'
const LEASES = 'key "lease/web" { policy = "write" } session_prefix "" { policy = "write" }'

test.for([
  ['wait', 'kv:secret/x', 'file:/', '--', 'echo', 'ran'],
  ['wait', '--any', '--once', 'kv:secret/x', '--', 'echo', 'ran'],
  ['--gate', 'kv:secret/x', 'mine', 'echo', 'ran'],
])('a gate that Consul refuses to tell of is not waited for: %j', async (words) => {
  const options = await allowed(
    `no-gate-${words.length}`,
    `${READS} ${LEASES} key_prefix "consul-locker-" { policy = "write" }`,
  )
  const ended = await runLocker(words, options)
  expect(ended).toMatchObject({ code: 3, stdout: '' })
  expect(ended.stderr).toMatch(
    /error: Consul at .* refuses GET .*Permission denied.*needs the ACL rule: key "secret\/x" \{ policy = "read" }\)\n$/,
  )
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
})

test.each<[string[], string]>([
  [['lease', 'show', '--label', 'web'], 'rule: key "lease/web" { policy = "read" }'],
  [['slots', 'web'], 'rule: key_prefix "consul-locker-web/" { policy = "read" }'],
  [['slots', 'web', '3'], 'rule: key_prefix "consul-locker-web/" { policy = "write" }'],
  [['rollout', 'current'], 'rule: key "current_version" { policy = "read" }'],
  [
    ['rollout', 'status'],
    'rules: key "current_version" { policy = "read" } key_prefix "running_version/" { policy = "read" }',
  ],
])('who may not do what %j does is told the rules for that, and no more', async (words, rules) => {
  const options = await allowed(`nothing-${words.join('-')}`, 'key "nothing" { policy = "read" }')
  const ended = await runLocker(words, options)
  expect(ended).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining(`needs the ACL ${rules}`) })
  if (words.at(-1) !== '3') expect(ended.stderr).not.toContain('policy = "write"')
})

test('a service whose rights are missing looks like one that is not there: Consul does not tell', async () => {
  const options = await allowed('no-service', 'key_prefix "" { policy = "read" }')
  const ended = await runLocker(['wait', '--once', 'service:consul'], options)
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('none is registered') })
})

test('a monitor without rights to the lease says so once, and watches all the same', async () => {
  const options = await allowed('no-lease', 'service "db" { policy = "write" }')
  const target = await startTarget()
  const words = ['--label', 'db', '--monitor-url', target.url, '--interval', '0.3s', '--timeout', '5s']
  const monitor = startLocker(['monitor', ...words], options)
  await monitor.says(/warn: the start-up lease, if there is one, can't be ended: .*\n.*db: .* is up/)
  monitor.kill('SIGTERM')
  expect(await monitor.ends()).toMatchObject({ code: 0 })
})

test('a monitor without rights to its service fails in one sentence that names the rule', async () => {
  const options = await allowed('stranger', READS)
  const target = await startTarget()
  const ended = await runLocker(['monitor', '--label', 'web', '--monitor-url', target.url, '--quiet'], options)
  expect(ended).toMatchObject({ code: 3, stdout: '' })
  expect(ended.stderr).toMatch(
    /error: Consul at .* refuses PUT .*needs the ACL rules: service "web" \{ policy = "write" }/,
  )
})
