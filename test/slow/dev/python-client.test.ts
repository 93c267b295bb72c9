import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../../scripts/provide/agent.ts'
import { findProgram, unpackPackage } from '../../../scripts/provide/debian.ts'
import { execute } from '../../../scripts/provide/execute.ts'
import { type DevServer, startDevServer } from '../../kit/dev-server.ts'

/** Debian's client, and the Python that it is for. */
async function python(): Promise<{ program: string; path: string }> {
  const root = await unpackPackage({ package: 'python3-consul' })
  const program = await findProgram('python3', ['/usr/bin', join(root, 'usr/bin')])
  if (!program) throw new Error("Debian's python3 is not to be found")
  return { program, path: join(root, 'usr/lib/python3/dist-packages') }
}

let server: DevServer
let real: ConsulAgent

beforeAll(async () => {
  server = await startDevServer()
  // Not the one that all tests share: the cases put its whole node into maintenance.
  real = await startConsul()
})
afterAll(async () => {
  await server.stop()
  await real.stop()
})

test.for(['consul-locker dev', 'the real Consul'])(
  'the cases of python-consul, as Debian has it, pass at %s',
  async (which) => {
    const { program, path } = await python()
    const address = which === 'the real Consul' ? real.address : server.address
    const env = { PATH: process.env.PATH, PYTHONPATH: path, PYTHONNOUSERSITE: '1', CONSUL_PORT: new URL(address).port }
    const cases = join(import.meta.dirname, 'python-consul-cases.py')
    const told = await execute('sh', ['-c', 'exec "$0" "$@" 2>&1', program, cases], { env })
    expect(told).toMatch(/^Ran 2\d tests in [\d.]+s\n\nOK$/m)
  },
)
