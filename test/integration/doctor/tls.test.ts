import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../../scripts/provide/agent.ts'
import { program } from '../../../scripts/provide/debian.ts'
import { execute } from '../../../scripts/provide/execute.ts'
import { afterTest } from '../../kit/after-test.ts'
import { diagnose } from '../../kit/doctor.ts'
import { removeFolder } from '../../kit/remove-folder.ts'
import { type Certificates, makeCertificates } from '../../kit/secure-agent.ts'
import { scratch } from '../../kit/unique.ts'

let ours: Certificates
let strangers: Certificates

beforeAll(async () => {
  ours = await makeCertificates()
  strangers = await makeCertificates()
})

afterAll(() => {
  for (const made of [ours, strangers]) if (made) removeFolder(made.dir)
})

/** A certificate for 127.0.0.1 that our CA has signed, and that ends as it begins. */
async function expired(): Promise<{ cert: string; key: string }> {
  const { path, env } = await program('openssl', 'openssl')
  const dir = scratch()
  const script = `cd "$1" && "$0" req -new -newkey rsa:2048 -nodes -keyout old-key.pem -subj /CN=old -out old.csr &&
    printf 'subjectAltName=DNS:server.dc1.consul,IP:127.0.0.1\\n' >old.ext &&
    "$0" x509 -req -in old.csr -CA "$2" -CAkey "$3" -set_serial 7 -days 0 \\
      -extfile old.ext -out old.pem`
  await execute('sh', ['-c', script, path, dir, ours.ca, ours.ca.replace('.pem', '-key.pem')], {
    env: { ...process.env, ...env },
  })
  return { cert: join(dir, 'old.pem'), key: join(dir, 'old-key.pem') }
}

/** Whether an agent has a leader; its certificate is of no matter. */
const hasLeader = ({ address }: ConsulAgent): Promise<boolean> => {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const { cert, key } = ours
  const options = { rejectUnauthorized: false, signal: AbortSignal.timeout(5000) }
  const asked = request(`${address}/v1/health/state/passing`, { ...options, ...read(cert, key) }, async (answer) => {
    const text = (await answer.toArray()).join('')
    resolve(answer.statusCode === 200 && text.includes('serfHealth'))
  })
  asked.on('error', reject).end()
  return promise
}

const read = (cert: string, key: string) => ({ cert: readFileSync(cert), key: readFileSync(key) })

async function agentWith(cert: string, key: string, more: object = {}): Promise<ConsulAgent> {
  const config = { ca_file: ours.ca, cert_file: cert, key_file: key, ...more }
  const agent = await startConsul({ ports: { http: -1, https: 0 }, config, probe: hasLeader })
  afterTest(() => agent.stop())
  return agent
}

const server = () => [join(ours.dir, 'dc1-server-consul-0.pem'), join(ours.dir, 'dc1-server-consul-0-key.pem')] as const
const trusted = () => ['--ca-file', ours.ca]

describe.concurrent('doctor, of an agent with HTTPS', () => {
  test('finds nothing where the certificates last, names a CA that is not its own, and one that speaks no TLS', async () => {
    const { address } = await agentWith(...server())
    const { exit, found, said } = await diagnose(address, trusted())
    expect([exit, found]).toEqual([0, []])
    expect(said('CL201')).toMatch(/server\.dc1\.consul\) is valid until 20\d\d-/)
    expect(said('CL202')).toMatch(/valid until 20\d\d-/)
    expect((await diagnose(address, ['--ca-file', strangers.ca])).found).toEqual(['CL202 failure'])
    expect((await diagnose(address)).found).toEqual(['CL202 failure'])
    const misnamed = await diagnose(address, [...trusted(), '--tls-server-name', 'consul.example'])
    expect(misnamed.found).toEqual(['CL201 failure'])
    expect(misnamed.said('CL201')).toContain('server.dc1.consul')
    expect((await diagnose(address.replace('https:', 'http:'))).found).toEqual(['CL103 failure'])
  })

  test("names an agent's certificate that has ended, and tries nothing that hangs on it", async () => {
    const { cert, key } = await expired()
    const { address } = await agentWith(cert, key)
    const { exit, found, said } = await diagnose(address, trusted())
    expect([exit, found]).toEqual([1, ['CL201 failure']])
    expect(said('CL201')).toMatch(/\(old\) ended \d+\S* ago/)
  })

  test('names a client certificate that has ended', async () => {
    const { cert, key } = await expired()
    const { address } = await agentWith(...server(), { verify_incoming: true })
    const words = [...trusted(), '--client-cert', cert, '--client-key', key]
    expect(await diagnose(address, words)).toMatchObject({ exit: 1, found: ['CL203 failure'] })
    const own = [...trusted(), '--client-cert', ours.cert, '--client-key', ours.key]
    expect(await diagnose(address, own)).toMatchObject({ exit: 0, found: [] })
    expect((await diagnose(address, trusted())).found).toEqual(['CL103 failure'])
  })

  test('names a CA file that is not there', async () => {
    const { exit, found, said } = await diagnose('https://127.0.0.1:1', ['--ca-file', '/nowhere/ca.pem'])
    expect([exit, found]).toEqual([1, ['CL101 failure']])
    expect(said('CL101')).toContain('/nowhere/ca.pem')
  })
})
