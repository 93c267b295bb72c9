import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { acceptsSessions } from '../../scripts/provide/readiness.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { startDashboard } from '../kit/dashboard.ts'
import { type Ended, type LockerOptions, runLocker, startLocker } from '../kit/locker.ts'
import { removeFolder } from '../kit/remove-folder.ts'
import { type Certificates, makeCertificates, ROOT_TOKEN, SecureAgent } from '../kit/secure-agent.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

let agent: SecureAgent
let strangers: Certificates

beforeAll(async () => {
  const starting = SecureAgent.start()
  strangers = await makeCertificates()
  agent = await starting
})

afterAll(async () => {
  await agent?.stop()
  if (strangers) removeFolder(strangers.dir)
})

/** Runs under the environment that reaches the secure agent, `over` on top of it. */
function run(words: readonly string[], over: NodeJS.ProcessEnv = {}, options: LockerOptions = {}): Promise<Ended> {
  const { ca, cert, key } = agent.certificates
  const env = {
    CONSUL_CACERT: ca,
    CONSUL_CLIENT_CERT: cert,
    CONSUL_CLIENT_KEY: key,
    CONSUL_HTTP_TOKEN: ROOT_TOKEN,
    ...over,
  }
  return runLocker(words, { address: agent.address, ...options, env })
}

/** The failure is one line that tells what is wrong, comes before the command, and leaves nothing. */
async function expectRefusal(ended: Ended, name: string, sentence: RegExp): Promise<void> {
  expect(ended).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(sentence) })
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(await agent.remains(name)).toEqual([])
}

describe('an agent with HTTPS, client certificates and ACLs', () => {
  test('has a dashboard say what its token may not see', async () => {
    const { ca, cert, key } = agent.certificates
    const token = await agent.token('sees-nothing', 'session_prefix "" { policy = "read" }')
    const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key, CONSUL_HTTP_TOKEN: token }
    const { server } = await startDashboard(agent.address, [], env)
    await server.says(/warn: the token may not see all keys that begin with consul-locker-?\n/)
  })

  test('is reached by options', async () => {
    const { ca, cert, key } = agent.certificates
    const name = uniqueName('options')
    const options = ['--http-addr', agent.address, '--ca-file', ca, '--client-cert', cert, '--client-key', key]
    const words = [...options, '--tls-server-name', 'server.dc1.consul', '--token', ROOT_TOKEN, name, 'echo', 'ran']
    const ended = await runLocker(words)
    expect(ended).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(ended.stderr).toMatch(/^consul-locker: warn: .* can read the token in our arguments \(ps\).*--token-file\n$/)
    expect(await agent.remains(name)).toEqual([])
  })

  test('is reached by the environment that consul itself reads', async () => {
    const name = uniqueName('environment')
    const over = { CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' }
    expect(await run([name, 'echo', 'ran'], over)).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
    expect(await agent.remains(name)).toEqual([])
  })

  test('is reached by our own variables, and by an address without scheme', async () => {
    const { ca, cert, key } = agent.certificates
    const env = {
      CONSUL_LOCKER_CA_FILE: ca,
      CONSUL_LOCKER_CLIENT_CERT: cert,
      CONSUL_LOCKER_CLIENT_KEY: key,
      CONSUL_LOCKER_TOKEN: ROOT_TOKEN,
      CONSUL_LOCKER_TLS_SERVER_NAME: 'server.dc1.consul',
      CONSUL_HTTP_SSL: 'true',
    }
    const address = agent.address.replace('https://', '')
    expect(await runLocker([uniqueName('own'), 'echo', 'ran'], { address, env })).toMatchObject({
      code: 0,
      stdout: 'ran\n',
      stderr: '',
    })
  })

  test.for(['--ca-path', 'CONSUL_CAPATH'])('is trusted for a CA in the directory of %s', async (way) => {
    const dir = join(scratch(), 'ca')
    mkdirSync(dir)
    copyFileSync(strangers.ca, join(dir, 'another.pem'))
    mkdirSync(join(dir, 'below'))
    copyFileSync(agent.certificates.ca, join(dir, 'below', 'without-extension'))
    symlinkSync('nowhere', join(dir, 'dangling.0'))
    writeFileSync(join(dir, 'README'), 'not a certificate')
    const words = way.startsWith('--') ? [way, dir] : []
    const over = { CONSUL_CACERT: undefined, ...(words.length > 0 ? {} : { [way]: dir }) }
    expect(await run([...words, uniqueName('ca-path'), 'true'], over)).toMatchObject({ code: 0, stderr: '' })
  })

  test('is trusted for a CA under the names that c_rehash gives', async () => {
    const [dir, elsewhere] = [scratch(), scratch()]
    copyFileSync(agent.certificates.ca, join(elsewhere, 'ca'))
    symlinkSync(join(elsewhere, 'ca'), join(dir, 'abcd1234.0'))
    const over = { CONSUL_CACERT: undefined, CONSUL_CAPATH: dir }
    expect(await run([uniqueName('c-rehash'), 'true'], over)).toMatchObject({ code: 0, stderr: '' })
  })

  test('is used unverified when CONSUL_HTTP_SSL_VERIFY says so, and that is told', async () => {
    const over = { CONSUL_CACERT: undefined, CONSUL_HTTP_SSL_VERIFY: 'false' }
    const ended = await run([uniqueName('unverified'), 'true'], over)
    expect(ended.code).toBe(0)
    expect(ended.stderr).toMatch(/^consul-locker: warn: CONSUL_HTTP_SSL_VERIFY is off: [^\n]+\n$/)
  })
})

describe('a certificate that does not fit', () => {
  // Without --no-wait: it would never heal by itself.
  test("is Consul's, signed by an unknown CA", async () => {
    const name = uniqueName('unknown-ca')
    const ended = await run([name, 'echo', 'ran'], { CONSUL_CACERT: strangers.ca })
    await expectRefusal(ended, name, /certificate.*\(.*--ca-file.*CONSUL_CACERT.*\)/)
  })

  test("is Consul's, with another name", async () => {
    const name = uniqueName('other-name')
    const ended = await run(['--tls-server-name', 'consul.example', name, 'echo', 'ran'])
    await expectRefusal(ended, name, /consul\.example.*\(.*--tls-server-name.*\)/)
  })

  test('is ours, signed by an unknown CA', async () => {
    const name = uniqueName('unknown-client')
    const over = { CONSUL_CLIENT_CERT: strangers.cert, CONSUL_CLIENT_KEY: strangers.key }
    await expectRefusal(await run([name, 'echo', 'ran'], over), name, /certificate.*\(.*--client-cert.*\)/)
  })

  test('is missing', async () => {
    const name = uniqueName('no-client')
    const over = { CONSUL_CLIENT_CERT: undefined, CONSUL_CLIENT_KEY: undefined }
    await expectRefusal(await run([name, 'echo', 'ran'], over), name, /certificate.*\(.*--client-cert.*\)/)
  })

  test.for([
    [
      'a key of another certificate',
      () => ({ CONSUL_CLIENT_KEY: strangers.key }),
      /can't be used.*\(.*--client-key.*\)/,
    ],
    ['no certificate', () => ({ CONSUL_CLIENT_CERT: strangers.key }), /can't be used.*\(.*--client-cert.*\)/],
    [
      'no CA',
      () => ({ CONSUL_CACERT: undefined, CONSUL_CAPATH: scratch() }),
      /CA directory .* has no certificate in it/,
    ],
    ['no CA', () => ({ CONSUL_CACERT: import.meta.filename }), /no certificate in it \(it must be PEM\)/],
    ['nothing, for it is not there', () => ({ CONSUL_CACERT: '/nowhere/ca.pem' }), /\/nowhere\/ca\.pem.*\(.*path.*\)/],
  ] as const)('is a file with %s', async ([, over, sentence]) => {
    const name = uniqueName('bad-file')
    const ended = await run([name, 'echo', 'ran'], over())
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) })
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(await agent.remains(name)).toEqual([])
  })

  test('an agent that speaks no TLS is told from one that is not there', async () => {
    const address = inject('consulAddress').replace('http:', 'https:')
    const ended = await run([uniqueName('no-tls'), 'echo', 'ran'], {}, { address })
    expect(ended).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/TLS.*\(.*http:\/\/.*\)/) })
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('HTTP to its HTTPS port is told', async () => {
    const address = agent.address.replace('https:', 'http:')
    const name = uniqueName('no-https')
    await expectRefusal(await run([name, 'echo', 'ran'], {}, { address }), name, /\(.*https:\/\/.*\)/)
  })
})

describe('rights', () => {
  // Without --no-wait: a waiter is told at once, too.
  const session = 'session_prefix "" { policy = "write" }'
  const keys = 'key_prefix "consul-locker-" { policy = "write" }'

  /** All rules that a run needs, wherever it was refused. */
  const allRules = (name: string, node: string) =>
    `needs the ACL rules: key "consul-locker-${name}" { policy = "write" } ` +
    `key_prefix "consul-locker-${name}=" { policy = "write" } ` +
    `key "consul-locker=pause" { policy = "read" } session "${node}" { policy = "write" }`

  const runWith = (token: string | undefined, name: string) => run([name, 'echo', 'ran'], { CONSUL_HTTP_TOKEN: token })

  test('that a refusal names are enough', async () => {
    const name = uniqueName('enough')
    const blind = await runWith(await agent.token(name, 'agent_prefix "" { policy = "read" }'), name)
    const [, rules = ''] = /needs the ACL rules: (.*)\)\n$/.exec(blind.stderr) ?? []
    const token = await agent.token(`${name}-2`, rules)
    expect(await runWith(token, name)).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
  })

  test.for([
    ['of nobody', undefined, /Permission denied \(no token was given; one /],
    ['for keys alone', keys, /Permission denied \(the token /],
    ['for sessions alone', session, /Permission denied \(the token /],
    ['to read keys alone', `${session} key_prefix "" { policy = "read" }`, /Permission denied \(the token /],
  ] as const)('%s: all that are needed are named at once', async ([, rules, sentence]) => {
    const name = uniqueName('short')
    const token = rules === undefined ? undefined : await agent.token(name, rules)
    const ended = await runWith(token, name)
    await expectRefusal(ended, name, sentence)
    expect(ended.stderr).toContain(`${allRules(name, '<node>')}, with the name of the agent's node for <node>)`)
  })

  test('that are short for a token that may ask the agent who it is: the node is named', async () => {
    const name = uniqueName('node')
    const { Config } = await agent.ask<{ Config: { NodeName: string } }>('GET', '/agent/self')
    const ended = await runWith(await agent.token(name, `${keys} agent_prefix "" { policy = "read" }`), name)
    await expectRefusal(ended, name, /Permission denied/)
    expect(ended.stderr).toContain(`${allRules(name, Config.NodeName)})`)
  })

  test('of a token that Consul does not know: the token is, no rule', async () => {
    const name = uniqueName('unknown')
    const file = join(scratch(), 'token')
    writeFileSync(file, 'c0ffee00-0000-0000-0000-000000000000')
    for (const over of [{ CONSUL_HTTP_TOKEN: 'c0ffee00' }, { CONSUL_HTTP_TOKEN_FILE: file }]) {
      const ended = await run([name, 'echo', 'ran'], over)
      await expectRefusal(ended, name, /doesn't know the token: ACL not found \(.*--token-file.*\)/)
      expect(ended.stderr).not.toContain('policy')
    }
  })

  test('of a token file go before those of a token', async () => {
    const name = uniqueName('token-file')
    const file = join(scratch(), 'token')
    writeFileSync(file, `${ROOT_TOKEN}\n`)
    const weak = await agent.token(name, keys)
    const env = { CONSUL_HTTP_TOKEN: weak }
    expect(await run(['--token-file', file, name, 'true'], env)).toMatchObject({ code: 0, stderr: '' })
    expect(await run([name, 'true'], { CONSUL_HTTP_TOKEN: weak, CONSUL_HTTP_TOKEN_FILE: file })).toMatchObject({
      code: 0,
      stderr: '',
    })
    writeFileSync(file, '\n')
    expect(await run(['--token-file', file, name, 'true'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('that are withdrawn while waiting end the wait', async () => {
    const name = uniqueName('withdrawn')
    const token = await agent.token(name, `${session} ${keys}`)
    const { ca, cert, key } = agent.certificates
    const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key }
    const holder = startLocker(['--token', ROOT_TOKEN, name, 'sleep', '60'], { address: agent.address, env })
    const taken = () => agent.ask<{ Session?: string }[]>('GET', `/kv/consul-locker-${name}`).catch(() => [])
    await expect.poll(async () => (await taken())[0]?.Session, { timeout: 20_000 }).toBeTruthy()
    const waiter = startLocker(['--token', token, name, 'echo', 'ran'], { address: agent.address, env })
    await waiter.says(/waiting for/)
    const [policy] = (await agent.ask<{ Name: string; ID: string }[]>('GET', '/acl/policies')).filter(
      ({ Name }) => Name === name,
    )
    await agent.ask('PUT', `/acl/policy/${policy?.ID}`, { ID: policy?.ID, Name: name, Rules: '' })
    holder.kill('SIGTERM')
    await holder.ends()
    expect(await waiter.ends()).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/\(.*_prefix .*\)/),
    })
  })

  test('are no secret in DEBUG, but the token is', async () => {
    const token = await agent.token(uniqueName('masked'), `${session} ${keys}`)
    const env = { DEBUG: '1', CONSUL_HTTP_TOKEN: token }
    const { code, stderr } = await run([uniqueName('masked'), 'true'], env)
    expect(code).toBe(0)
    expect(stderr).toMatch(/PUT https:\S+\/v1\/session\/create \(X-Consul-Token: \*\*\*\)/)
    expect(stderr).toMatch(/200 PUT \/v1\/txn/)
    expect(stderr).not.toContain(token)
  })
})

describe('HTTP basic auth', () => {
  test('goes with every request, and is masked in DEBUG', async () => {
    const seen = new Set<unknown>()
    const address = await passing((path, headers) => {
      seen.add(headers.authorization)
      return path
    })
    const env = { CONSUL_HTTP_AUTH: 'web:s3cret:x', DEBUG: '1' }
    const ended = await runLocker([uniqueName('basic-auth'), 'true'], { address, env })
    expect(ended.code).toBe(0)
    expect([...seen]).toEqual([`Basic ${Buffer.from('web:s3cret:x').toString('base64')}`])
    expect(ended.stderr).toContain('/v1/session/create')
    expect(ended.stderr).not.toMatch(/s3cret|d2ViOnMzY3JldDp4/)
  })
})

describe('an address', () => {
  test('may have a path, put before that of every request', async () => {
    const paths: string[] = []
    const address = await passing((path) => {
      paths.push(path)
      return path.replace(/^\/behind\/consul\//, '/')
    })
    const name = uniqueName('prefix')
    const ended = await runLocker([name, 'echo', 'ran'], { address: `${address}/behind/consul/` })
    expect(ended).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
    expect(paths.every((path) => path.startsWith('/behind/consul/v1/'))).toBe(true)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('may be a socket of this machine', async () => {
    const socket = join(scratch(), 'consul.sock')
    const bridge = await passing((path) => path, socket)
    const local = await startConsul({
      config: { addresses: { http: `unix://${socket}` } },
      probe: () => acceptsSessions(bridge),
    })
    onTestFinished(() => local.stop())
    const name = uniqueName('socket')
    const options = { address: `unix://${socket}` }
    expect(await runLocker([name, 'echo', 'ran'], options)).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
    const waiter = startLocker([name, 'sleep', '60'], options)
    await new ConsulClient(bridge).holder(`consul-locker-${name}`)
    expect(await runLocker(['--no-wait', name, 'true'], options)).toMatchObject({ code: 1 })
    waiter.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ code: 143 })
    expect(await new ConsulClient(bridge).remains(name)).toEqual([])
  })

  test('of a socket where nobody listens: a hint about sockets', async () => {
    const options = { address: `unix://${join(scratch(), 'none.sock')}` }
    const ended = await runLocker(['--no-wait', uniqueName('no-socket'), 'true'], options)
    expect(ended).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/\(.*addresses\.http.*\)/) })
  })
})

type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * Passes requests on to the shared agent, or to a socket, by the path that `rewrite` gives. Lives as long as the test.
 */
async function passing(rewrite: (path: string, headers: Headers) => string, socketPath?: string): Promise<string> {
  const { hostname, port } = new URL(inject('consulAddress'))
  const server = createServer((incoming, response) => {
    const { method, headers } = incoming
    const path = rewrite(incoming.url ?? '', headers)
    const where = socketPath === undefined ? { hostname, port } : { socketPath }
    const outgoing = request({ ...where, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    incoming.pipe(outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
